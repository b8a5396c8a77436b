// SPDX-License-Identifier: Apache-2.0
#include "heed/core/bfloat16.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a bfloat16 converts to float exactly, and a float rounds to the nearest bfloat16, ties to even") {
  bool back = true, nearest = true;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    Bfloat16 b;
    b.bits = static_cast<std::uint16_t>(bits);
    const float x = static_cast<float>(b);
    if (std::isnan(x)) {
      back = back && std::isnan(static_cast<float>(Bfloat16(x)));
      continue;
    }
    back = back && Bfloat16(x).bits == b.bits;
    if (std::isinf(x)) continue;
    // Floats half a step further from zero, and their neighbours.
    const std::uint32_t half = bits << 16 | 0x8000;
    const auto rounded = [](std::uint32_t word) { return std::uint32_t{Bfloat16(std::bit_cast<float>(word)).bits}; };
    nearest = nearest && rounded(half - 1) == bits && rounded(half + 1) == bits + 1 && rounded(half) == bits + bits % 2;
  }
  CHECK(back);
  CHECK(nearest);
}

TEST_CASE("a bfloat16 of NaN is NaN, and of a number beyond its range infinity") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(static_cast<float>(Bfloat16(std::numeric_limits<float>::max())) == infinity);
  CHECK(static_cast<float>(Bfloat16(-infinity)) == -infinity);
  CHECK(std::isnan(static_cast<float>(Bfloat16(std::bit_cast<float>(0x7f800001u)))));
  CHECK(std::isnan(static_cast<float>(Bfloat16(std::bit_cast<float>(0xffffffffu)))));
  CHECK(std::signbit(static_cast<float>(Bfloat16(-0.0f))));
  CHECK(sizeof(Bfloat16) == 2);
}

}  // namespace HEED_TEST_UNIT
