// SPDX-License-Identifier: Apache-2.0
#include "heed/core/round.hpp"

#include <catch2/catch.hpp>
#include <cstddef>

#include "heed/core/shape.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("ceil_divide counts the blocks that hold all elements") {
  for (Index size = 1; size <= 9; ++size) {
    for (Index n = 0; n <= 40; ++n) {
      const Index blocks = ceil_divide(n, size);
      INFO(n << " in blocks of " << size);
      CHECK(blocks * size >= n);
      CHECK((blocks - 1) * size < n);
    }
  }
}

TEST_CASE("round_up gives the least multiple that is large enough") {
  static_assert(round_up(Index{0}, 32) == 0);
  static_assert(round_up(Index{1}, 32) == 32);
  static_assert(round_up(Index{32}, 32) == 32);
  static_assert(round_up(Index{33}, 32) == 64);
  static_assert(round_up(std::size_t{65}, 64) == std::size_t{128});
}

}  // namespace HEED_TEST_UNIT
