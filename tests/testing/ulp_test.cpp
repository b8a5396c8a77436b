// SPDX-License-Identifier: Apache-2.0
#include "heed/testing/ulp.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using heed::testing::ulp_distance;
using heed::testing::ulp_error;

TEMPLATE_TEST_CASE("ulp_distance counts representable numbers", "", float, double) {
  using Limits = std::numeric_limits<TestType>;
  const TestType one = 1, infinity = Limits::infinity(), nan = Limits::quiet_NaN();
  CHECK(ulp_distance(one, one) == 0);
  CHECK(ulp_distance(one, std::nextafter(one, infinity)) == 1);
  CHECK(ulp_distance(std::nextafter(one, infinity), std::nextafter(one, -infinity)) == 2);
  CHECK(ulp_distance(TestType(0), -TestType(0)) == 0);
  CHECK(ulp_distance(Limits::denorm_min(), -Limits::denorm_min()) == 2);
  CHECK(ulp_distance(Limits::max(), infinity) == 1);
  CHECK(ulp_distance(-infinity, infinity) > ulp_distance(Limits::lowest(), Limits::max()));
  CHECK(ulp_distance(nan, nan) == std::numeric_limits<std::uint64_t>::max());
  CHECK(ulp_distance(one, nan) == std::numeric_limits<std::uint64_t>::max());
}

TEMPLATE_TEST_CASE("ulp_error is in units in the last place of the exact number", "", float, double) {
  using Limits = std::numeric_limits<TestType>;
  const TestType one = 1, infinity = Limits::infinity(), nan = Limits::quiet_NaN();
  const long double eps = Limits::epsilon();
  CHECK(ulp_error(one, 1.0L) == 0);
  CHECK(ulp_error(one, 1.0L + eps / 2) == 0.5);
  CHECK(ulp_error(TestType(1 + 2 * Limits::epsilon()), 1.0L) == 2);
  CHECK(ulp_error(TestType(-2), -2.0L - 2 * eps) == 1);
  CHECK(ulp_error(Limits::denorm_min(), 0.0L) == 1);
  CHECK(ulp_error(TestType(0), static_cast<long double>(Limits::denorm_min()) * 3) == 3);
  CHECK(ulp_error(infinity, 1e4000L) == 0);
  CHECK(std::isinf(ulp_error(-infinity, 1e4000L)));
  CHECK(std::isinf(ulp_error(Limits::max(), 1e4000L)));
  CHECK(ulp_error(nan, static_cast<long double>(nan)) == 0);
  CHECK(std::isinf(ulp_error(nan, 1.0L)));
  CHECK(std::isinf(ulp_error(one, static_cast<long double>(nan))));
}

}  // namespace HEED_TEST_UNIT
