// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/sum_of_squares.hpp"

#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

double sum_of_squares(Index size, const float* x) {
  kernels::SumOfSquares sum;
  sum.add(0, size, x);
  return sum.total();
}

}  // namespace

TEST_CASE("the sum of squares is exact for whole numbers of every count") {
  for (Index size = 0; size <= 40; ++size) {
    const Tensor<float> x = Tensor<float>::arange(size);
    const double n = static_cast<double>(size);
    CHECK(sum_of_squares(size, x.data()) == (n - 1) * n * (2 * n - 1) / 6);
  }
}

TEST_CASE("the sum of squares neither overflows nor loses small terms") {
  const float large[] = {1e30f, 1e30f};
  CHECK(sum_of_squares(2, large) == Approx(2e60));
  Tensor<float> x = Tensor<float>::full({100000}, 1e-4f);
  x(0) = 1.0f;
  CHECK(sum_of_squares(x.size(), x.data()) - 1.0 == Approx(99999e-8).epsilon(1e-6));
  x(70000) = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(sum_of_squares(x.size(), x.data())));
}

TEST_CASE("the sum of squares has the same bits as a whole, in parts, and without parts that are 0") {
  Tensor<float> x = Tensor<float>::normal({200}, Random(1));
  std::fill_n(x.data() + 61, 50, 0.0f);
  kernels::SumOfSquares parts;
  parts.add(0, 3, x.data());
  parts.add(3, 5, x.data());
  parts.add(5, 40, x.data());
  parts.add(40, 61, x.data());
  parts.add(111, 200, x.data());
  CHECK(parts.total() == sum_of_squares(200, x.data()));
}

}  // namespace HEED_TEST_UNIT
