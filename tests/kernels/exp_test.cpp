// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/exp.hpp"

#include <cmath>

#include "kernels/every_isa.hpp"

using namespace heed;

TEST_CASE("exp and its gradient are the C library's") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      INFO("size " << size);
      const auto x = test::normal_as<Scalar>({size}, "x");
      const auto dy = test::normal_as<Scalar>({size}, "dy");
      Tensor<Scalar> y({size}), dx = Tensor<Scalar>::ones({size});
      Tensor<double> expected({size}), slope({size});
      for (Index i = 0; i < size; ++i) {
        const auto at = static_cast<double>(x.data()[i]);
        expected.data()[i] = std::exp(at);
        slope.data()[i] = 1 + static_cast<double>(dy.data()[i]) * std::exp(at);
      }
      kernels::exp_forward<Scalar, Isa>(size, x.data(), y.data());
      test::check_close(y, expected, test::tolerance<Scalar>());
      kernels::exp_backward<Scalar, Isa>(size, y.data(), dy.data(), dx.data());
      test::check_close(dx, slope, test::tolerance<Scalar>());
    }
  });
}
