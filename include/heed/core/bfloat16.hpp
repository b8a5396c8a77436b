// SPDX-License-Identifier: Apache-2.0
// The upper half of a float: its range, 8 bits of its precision, half of its memory.
#pragma once

#include <bit>
#include <cstdint>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// To store numbers in; there is no arithmetic on it.
struct Bfloat16 {
  std::uint16_t bits = 0;

  Bfloat16() = default;
  /// Rounds to nearest, ties to even; beyond the range to infinity. NaN stays NaN.
  explicit constexpr Bfloat16(float x) {
    const auto word = std::bit_cast<std::uint32_t>(x);
    constexpr std::uint32_t quiet = 0x00400000;  // so that a NaN whose lower half alone says so stays one
    bits = static_cast<std::uint16_t>((x != x ? word | quiet : word + 0x7fff + ((word >> 16) & 1)) >> 16);
  }
  /// Exact.
  explicit constexpr operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

}  // namespace heed::inline HEED_ABI
