// SPDX-License-Identifier: Apache-2.0
#include "heed/core/stopwatch.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

TEST_CASE("a stopwatch starts at zero or later and never decreases", "[core]") {
  const heed::Stopwatch first;
  const double once = first.seconds(), again = first.seconds();
  CHECK(once >= 0);
  CHECK(again >= once);
  const heed::Stopwatch second;
  const double later = second.seconds();
  CHECK(first.seconds() >= later);
}

}  // namespace HEED_TEST_UNIT
