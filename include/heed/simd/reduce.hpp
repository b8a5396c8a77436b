// SPDX-License-Identifier: Apache-2.0
// Reduces as many registers as a register has lanes at once, with fewer instructions than one by one.
#pragma once

#include <utility>

#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::simd {

namespace detail {

/// Combines the halves of every `Block` lanes of a and of b. Result: a's first block, b's first, a's second, ...
template <int Block, class P, class Op, int... Lane>
[[gnu::always_inline]] inline P fold(P a, P b, Op op, std::integer_sequence<int, Lane...>) {
  constexpr auto from = [](int lane, int upper) {
    const int piece = lane / (Block / 2);
    return piece % 2 * static_cast<int>(P::width) + piece / 2 * Block + lane % (Block / 2) + upper * (Block / 2);
  };
  return op(P(__builtin_shufflevector(a.v, b.v, from(Lane, 0)...)),
            P(__builtin_shufflevector(a.v, b.v, from(Lane, 1)...)));
}

}  // namespace detail

/// Lane i of the result is the reduction of the lanes of x[i] by `op`, in the order of `reduce_sum`. x has as many
/// registers as a register has lanes, and is overwritten.
template <class P, class Op, int Block = static_cast<int>(P::width)>
[[gnu::always_inline]] inline P reduce_each(P* x, Op op) {
  if constexpr (Block == 1) {
    return x[0];
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < Block / 2; ++i) {
      x[i] = detail::fold<Block>(x[i], x[i + Block / 2], op, std::make_integer_sequence<int, P::width>{});
    }
    return reduce_each<P, Op, Block / 2>(x, op);
  }
}

}  // namespace heed::inline HEED_ABI::simd
