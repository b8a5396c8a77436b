// SPDX-License-Identifier: Apache-2.0
// The k best of a row of scores, exactly, in the caller's memory.
#pragma once

#include <algorithm>
#include <limits>

#include "heed/core/config.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// One entry of a ranking.
template <class Scalar>
struct Ranked {
  Index item;
  Scalar score;
};

/// The total order of rankings: greater score first, NaN after every number, then the smaller item.
template <class Scalar>
bool ranks_before(const Ranked<Scalar>& a, const Ranked<Scalar>& b) noexcept {
  if (a.score > b.score) return true;
  if (a.score < b.score) return false;
  const bool a_nan = a.score != a.score, b_nan = b.score != b.score;
  return a_nan != b_nan ? b_nan : a.item < b.item;
}

/// Writes the first min(k, candidates) of the items 0 .. size - 1 in that order to `out` (room for k) and returns how
/// many. `excluded`: `excluded_count` items, ascending (repeats are allowed), that are no candidates.
template <class Scalar, class Isa = simd::NativeIsa>
Index top_k(const Scalar* scores, Index size, Index k, const Index* excluded, Index excluded_count,
            Ranked<Scalar>* out) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index block = 8 * P::width;  // skipped at once when nothing in it is good enough
  if (k <= 0) return 0;
  const Index* const excluded_end = excluded + excluded_count;
  Index held = 0;  // `out` is a heap with the worst entry in front, once it has all k
  for (Index from = 0; from < size; from += block) {
    const Index to = size - from < block ? size : from + block;
    if (held == k && to - from == block) {
      P best(-std::numeric_limits<Scalar>::infinity());
      for (Index j = 0; j < block; j += P::width) best = max(P::load(scores + from + j), best);
      if (!(reduce_max(best) > out[0].score) && out[0].score == out[0].score) continue;
    }
    while (excluded != excluded_end && *excluded < from) ++excluded;
    for (Index i = from; i < to; ++i) {
      while (excluded != excluded_end && *excluded < i) ++excluded;
      if (excluded != excluded_end && *excluded == i) continue;
      const Ranked<Scalar> candidate{i, scores[i]};
      if (held < k) {
        out[held++] = candidate;
        if (held == k) std::make_heap(out, out + k, ranks_before<Scalar>);
      } else if (ranks_before(candidate, out[0])) {
        std::pop_heap(out, out + k, ranks_before<Scalar>);
        out[k - 1] = candidate;
        std::push_heap(out, out + k, ranks_before<Scalar>);
      }
    }
  }
  std::sort(out, out + held, ranks_before<Scalar>);
  return held;
}

}  // namespace heed::inline HEED_ABI::kernels
