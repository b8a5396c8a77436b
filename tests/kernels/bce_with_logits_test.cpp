// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/bce_with_logits.hpp"

#include "heed/kernels/reference/bce_with_logits.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("binary cross-entropy and its gradients match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      INFO(size);
      const auto x = test::normal_as<Scalar>({size}, "x", Scalar(4)), dloss = test::normal_as<Scalar>({size}, "dloss");
      Tensor<Scalar> t({size}), loss({size}), dx = Tensor<Scalar>::ones({size}), dt = Tensor<Scalar>::ones({size});
      for (Index i = 0; i < size; ++i) t.data()[i] = Scalar(i % 3) / Scalar(2);
      const Scalar sum = kernels::bce_with_logits_forward<Scalar, Isa>(size, x.data(), t.data(), loss.data());
      kernels::bce_with_logits_backward<Scalar, Isa>(size, x.data(), t.data(), dloss.data(), Scalar(2), dx.data(),
                                                     nullptr);
      kernels::bce_with_logits_backward<Scalar, Isa>(size, x.data(), t.data(), nullptr, Scalar(2), nullptr, dt.data());

      const auto in = test::to_double(x), to = test::to_double(t);
      Tensor<double> up = test::to_double(dloss), want({size}), unused({size});
      Tensor<double> want_x = Tensor<double>::ones({size}), want_t = want_x;
      up.array() *= 2.0;
      kernels::reference::bce_with_logits(size, in.data(), to.data(), want.data());
      kernels::reference::bce_with_logits_backward(size, in.data(), to.data(), up.data(), want_x.data(), unused.data());
      kernels::reference::bce_with_logits_backward(size, in.data(), to.data(), Tensor<double>::full({size}, 2).data(),
                                                   unused.data(), want_t.data());
      test::check_close(loss, want, test::tolerance<Scalar>());
      test::check_close(dx, want_x, test::tolerance<Scalar>());
      test::check_close(dt, want_t, test::tolerance<Scalar>());
      test::check_sum(sum, want);
      CHECK(kernels::bce_with_logits_forward<Scalar, Isa>(size, x.data(), t.data(), nullptr) == sum);
    }
  });
}

TEST_CASE("binary cross-entropy is exact where 1 - sigmoid(x) would round away or overflow") {
  const auto loss_of = [](auto x, auto t) {
    decltype(x) loss;
    kernels::bce_with_logits_forward(1, &x, &t, &loss);
    return loss;
  };
  CHECK(loss_of(1e4f, 0.0f) == 1e4f);
  CHECK(loss_of(1e4f, 1.0f) == 0.0f);
  CHECK(loss_of(-1e4f, 1.0f) == 1e4f);
  CHECK(loss_of(20.0f, 1.0f) == Approx(std::exp(-20.0)).epsilon(1e-6));
  CHECK(loss_of(-40.0, 0.0) == Approx(std::exp(-40.0)).epsilon(1e-14));
  CHECK(std::isnan(loss_of(std::numeric_limits<float>::quiet_NaN(), 0.0f)));
}

}  // namespace HEED_TEST_UNIT
