// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/statistics.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed::recsys;

TEST_CASE("mean and sample standard deviation of values worked out by hand", "[recsys][statistics]") {
  const std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};  // sum 40, squared deviations 32
  CHECK(mean(values) == 5);
  CHECK(standard_deviation(values) == Approx(std::sqrt(32.0 / 7)));
}

TEST_CASE("the deviation of large values that differ little keeps its digits", "[recsys][statistics]") {
  const std::vector<double> values = {1e16 + 2, 1e16 + 6, 1e16 + 16};  // deviations -6, -2, 8
  CHECK(standard_deviation(values) == std::sqrt(52.0));
}

TEST_CASE("the mean of no values is 0, and the deviation of a single value is 0", "[recsys][statistics]") {
  CHECK(mean({}) == 0);
  CHECK(standard_deviation({}) == 0);
  const std::vector<double> one = {3};
  CHECK(mean(one) == 3);
  CHECK(standard_deviation(one) == 0);
  const std::vector<double> two = {1, 3};
  CHECK(standard_deviation(two) == std::sqrt(2.0));
}

}  // namespace HEED_TEST_UNIT
