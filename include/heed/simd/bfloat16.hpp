// SPDX-License-Identifier: Apache-2.0
// Loads bfloat16 numbers as floats.
#pragma once

#include <cstdint>
#include <cstring>

#include "heed/core/bfloat16.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::simd {

/// Loads the first n <= width numbers; the other lanes are 0.
template <class P>
[[gnu::always_inline]] inline P load(const Bfloat16* p, Index n) {
  using Words = typename P::Mask;
  static_assert(sizeof(Words) == 4 * P::width, "a pack of floats");
  typename VectorOf<std::uint16_t, static_cast<int>(2 * P::width)>::Type halves = {};
  if (n == P::width) {
    std::memcpy(&halves, p, sizeof(halves));
  } else {
    for (Index i = 0; i < n; ++i) halves[i] = p[i].bits;
  }
  return (typename P::Vector)(__builtin_convertvector(halves, Words) << 16);
}

}  // namespace heed::inline HEED_ABI::simd
