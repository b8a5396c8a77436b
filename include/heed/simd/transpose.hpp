// SPDX-License-Identifier: Apache-2.0
// Transposes a square matrix held in registers.
#pragma once

#include <utility>

#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::simd {

namespace detail {

/// The upper or lower row of the pair (a, b) after the exchange. Lanes without bit `Apart` in their number come from a:
/// the same lane for the upper row, `Apart` lanes further for the lower. The others come from b.
template <int Apart, bool Lower, class P, int... Lane>
[[gnu::always_inline]] inline P exchanged(P a, P b, std::integer_sequence<int, Lane...>) {
  constexpr int width = static_cast<int>(P::width);
  return __builtin_shufflevector(
      a.v, b.v, ((Lane & Apart) != 0 ? width + Lane - (Lower ? 0 : Apart) : Lane + (Lower ? Apart : 0))...);
}

/// Exchanges the off-diagonal blocks of each pair of rows i and i + `Apart`, then repeats with half of `Apart`.
template <int Apart, class P>
[[gnu::always_inline]] inline void exchange_blocks(P (&rows)[P::width]) {
  if constexpr (Apart > 0) {
    constexpr int width = static_cast<int>(P::width);
    constexpr std::make_integer_sequence<int, width> lanes{};
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i) {
      if ((i & Apart) != 0) continue;
      const P a = rows[i], b = rows[i + Apart];
      rows[i] = exchanged<Apart, false>(a, b, lanes);
      rows[i + Apart] = exchanged<Apart, true>(a, b, lanes);
    }
    exchange_blocks<Apart / 2>(rows);
  }
}

}  // namespace detail

/// rows[i][j] becomes rows[j][i].
template <class P>
[[gnu::always_inline]] inline void transpose(P (&rows)[P::width]) {
  detail::exchange_blocks<static_cast<int>(P::width) / 2>(rows);
}

}  // namespace heed::inline HEED_ABI::simd
