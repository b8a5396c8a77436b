// SPDX-License-Identifier: Apache-2.0
// float16 (IEEE 754 binary16): 5 bits of exponent and 11 of precision. A format of files only.
#pragma once

#include <bit>
#include <cstdint>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::io::detail {

struct Float16 {
  std::uint16_t bits = 0;

  /// Exact; NaN keeps its payload.
  explicit constexpr operator float() const {
    const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
    std::uint32_t magnitude = (exponent + 112) << 23 | fraction << 13;  // the exponents' biases are 15 and 127
    if (exponent == 0x1f) magnitude = 0x7f800000 | fraction << 13;      // infinity or NaN
    // Zero or subnormal, in floats that are normal: those that are not may count as zero.
    if (exponent == 0) magnitude = std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f);
    return std::bit_cast<float>(sign | magnitude);
  }
};

}  // namespace heed::inline HEED_ABI::io::detail
