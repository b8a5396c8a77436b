// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/mse_loss.hpp"

#include "heed/kernels/reference/mse_loss.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("the squared error and its gradients match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      INFO(size);
      const auto x = test::normal_as<Scalar>({size}, "x"), t = test::normal_as<Scalar>({size}, "t");
      const auto dloss = test::normal_as<Scalar>({size}, "dloss");
      Tensor<Scalar> loss({size}), dx = Tensor<Scalar>::ones({size}), dt = Tensor<Scalar>::ones({size});
      const Scalar sum = kernels::mse_loss_forward<Scalar, Isa>(size, x.data(), t.data(), loss.data());
      kernels::mse_loss_backward<Scalar, Isa>(size, x.data(), t.data(), dloss.data(), Scalar(1), dx.data());
      kernels::mse_loss_backward<Scalar, Isa>(size, t.data(), x.data(), nullptr, Scalar(-3), dt.data());

      const auto in = test::to_double(x), to = test::to_double(t), up = test::to_double(dloss);
      Tensor<double> want({size}), want_x = Tensor<double>::ones({size}), want_t = want_x;
      kernels::reference::mse_loss(size, in.data(), to.data(), want.data());
      kernels::reference::mse_loss_backward(size, in.data(), to.data(), up.data(), want_x.data());
      kernels::reference::mse_loss_backward(size, to.data(), in.data(), Tensor<double>::full({size}, -3).data(),
                                            want_t.data());
      test::check_close(loss, want, test::tolerance<Scalar>());
      test::check_close(dx, want_x, test::tolerance<Scalar>());
      test::check_close(dt, want_t, test::tolerance<Scalar>());
      test::check_sum(sum, want);
      CHECK(kernels::mse_loss_forward<Scalar, Isa>(size, x.data(), t.data(), nullptr) == sum);
    }
  });
}

}  // namespace HEED_TEST_UNIT
