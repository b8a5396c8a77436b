// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/log.hpp"

#include <cmath>

#include "kernels/every_isa.hpp"

using namespace heed;

TEST_CASE("log and its gradient are the C library's") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      INFO("size " << size);
      const auto x = Tensor<Scalar>::uniform({size}, Random(1), Scalar(0.5), Scalar(4));
      const auto dy = test::normal_as<Scalar>({size}, "dy");
      Tensor<Scalar> y({size}), dx = Tensor<Scalar>::ones({size});
      Tensor<double> expected({size}), slope({size});
      for (Index i = 0; i < size; ++i) {
        const auto at = static_cast<double>(x.data()[i]);
        expected.data()[i] = std::log(at);
        slope.data()[i] = 1 + static_cast<double>(dy.data()[i]) * (1 / at);
      }
      kernels::log_forward<Scalar, Isa>(size, x.data(), y.data());
      test::check_close(y, expected, test::tolerance<Scalar>());
      kernels::log_backward<Scalar, Isa>(size, x.data(), dy.data(), dx.data());
      test::check_close(dx, slope, test::tolerance<Scalar>());
    }
  });
}
