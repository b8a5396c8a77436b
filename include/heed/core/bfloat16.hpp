// SPDX-License-Identifier: Apache-2.0
// bfloat16: the upper half of a float, with the same range and 8 bits of precision.
#pragma once

#include <bit>
#include <cstdint>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// A storage format: convert to float for arithmetic.
struct Bfloat16 {
  std::uint16_t bits = 0;

  Bfloat16() = default;
  /// Rounds to nearest, ties to even; values beyond the range become infinity. NaN stays NaN.
  explicit constexpr Bfloat16(float x) {
    const auto word = std::bit_cast<std::uint32_t>(x);
    constexpr std::uint32_t quiet = 0x00400000;  // keeps a NaN whose payload is in the lower half a NaN
    bits = static_cast<std::uint16_t>((x != x ? word | quiet : word + 0x7fff + ((word >> 16) & 1)) >> 16);
  }
  /// Exact.
  explicit constexpr operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

}  // namespace heed::inline HEED_ABI
