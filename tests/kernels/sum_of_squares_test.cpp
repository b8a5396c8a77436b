// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/sum_of_squares.hpp"

#include "kernels/every_isa.hpp"

using namespace heed;

TEST_CASE("the sum of squares is exact for whole numbers of every count") {
  for (Index size = 0; size <= 40; ++size) {
    const Tensor<float> x = Tensor<float>::arange(size);
    const double n = static_cast<double>(size);
    CHECK(kernels::sum_of_squares(size, x.data()) == (n - 1) * n * (2 * n - 1) / 6);
  }
}

TEST_CASE("the sum of squares neither overflows nor loses small terms") {
  const float large[] = {1e30f, 1e30f};
  CHECK(kernels::sum_of_squares(2, large) == Approx(2e60));
  Tensor<float> x = Tensor<float>::full({100000}, 1e-4f);
  x(0) = 1.0f;
  CHECK(kernels::sum_of_squares(x.size(), x.data()) - 1.0 == Approx(99999e-8).epsilon(1e-6));
  x(70000) = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(kernels::sum_of_squares(x.size(), x.data())));
}
