// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/scale.hpp"

#include "kernels/every_isa.hpp"

using namespace heed;

TEST_CASE("scale and its gradient are factor x + offset") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      INFO("size " << size);
      const auto x = test::normal_as<Scalar>({size}, "x");
      const auto dy = test::normal_as<Scalar>({size}, "dy");
      Tensor<Scalar> y({size}), dx = Tensor<Scalar>::ones({size});
      Tensor<double> expected({size}), slope({size});
      for (Index i = 0; i < size; ++i) {
        const auto at = static_cast<double>(x.data()[i]);
        expected.data()[i] = -1.5 * at + 0.25;
        slope.data()[i] = 1 + static_cast<double>(dy.data()[i]) * -1.5;
      }
      kernels::scale_forward<Scalar, Isa>(size, x.data(), Scalar(-1.5), Scalar(0.25), y.data());
      test::check_close(y, expected, test::tolerance<Scalar>());
      kernels::add_scaled<Scalar, Isa>(size, dy.data(), Scalar(-1.5), dx.data());
      test::check_close(dx, slope, test::tolerance<Scalar>());
    }
  });
}
