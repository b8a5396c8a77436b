// SPDX-License-Identifier: Apache-2.0
// Masks the tail of a row, for reductions of values that are not 0 past the end of the row.
#pragma once

#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

template <class Scalar>
inline constexpr Scalar lane_numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/// Returns the first n lanes of a (all of them if n is the width) and `other` in the rest.
template <class P>
[[gnu::always_inline]] inline P keep_first(P a, Index n, P other) {
  using Scalar = std::remove_cvref_t<decltype(a.v[0])>;
  if (n == P::width) return a;
  return select(P::load(lane_numbers<Scalar>) < P(static_cast<Scalar>(n)), a, other);
}

}  // namespace heed::inline HEED_ABI::kernels::detail
