// SPDX-License-Identifier: Apache-2.0
// The k best of a row of scores, or of a table's products with a query: exact, in memory owned by the caller.
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "heed/core/view.hpp"
#include "heed/simd/bfloat16.hpp"
#include "heed/simd/pack.hpp"
#include "heed/simd/reduce.hpp"

namespace heed::inline HEED_ABI::kernels {

/// One entry of a ranking; items are integers of type `Item`.
template <class Scalar, class Item = Index>
struct Ranked {
  Item item;
  Scalar score;
};

/// The total order of rankings: greater score first, NaN after every number, ties by the smaller item.
template <class Scalar, class Item>
bool ranks_before(const Ranked<Scalar, Item>& a, const Ranked<Scalar, Item>& b) noexcept {
  if (a.score > b.score) return true;
  if (a.score < b.score) return false;
  const bool a_nan = a.score != a.score, b_nan = b.score != b.score;
  return a_nan != b_nan ? b_nan : a.item < b.item;
}

namespace detail {

/// Items per block, which is skipped if none of them is good enough.
template <class P>
inline constexpr Index top_k_block = 8 * P::width;

/// The k best of the items offered so far.
template <class Scalar, class Isa, class Item>
struct Best {
  using P = simd::Pack<Scalar, Isa>;
  Ranked<Scalar, Item>* out;
  Index k;
  const Item* excluded;
  const Item* excluded_end;
  Index held = 0;  ///< once k entries are held, `out` is a heap with the worst entry in front

  /// Offers items [from, to), a whole block or the last items; blocks are in ascending order.
  void offer(const Scalar* scores, Index from, Index to) noexcept {
    constexpr Index block = top_k_block<P>;
    if (held == k && to - from == block) {
      P best(-std::numeric_limits<Scalar>::infinity());
      for (Index j = 0; j < block; j += P::width) best = max(P::load(scores + j), best);
      if (!(reduce_max(best) > out[0].score) && out[0].score == out[0].score) return;
    }
    while (excluded != excluded_end && *excluded < from) ++excluded;
    for (Index i = from; i < to; ++i) {
      while (excluded != excluded_end && *excluded < i) ++excluded;
      if (excluded != excluded_end && *excluded == i) continue;
      const Ranked<Scalar, Item> candidate{static_cast<Item>(i), scores[i - from]};
      if (held < k) {
        out[held++] = candidate;
        if (held == k) std::make_heap(out, out + k, ranks_before<Scalar, Item>);
      } else if (ranks_before(candidate, out[0])) {
        std::pop_heap(out, out + k, ranks_before<Scalar, Item>);
        out[k - 1] = candidate;
        std::push_heap(out, out + k, ranks_before<Scalar, Item>);
      }
    }
  }
  Index sorted() noexcept {
    std::sort(out, out + held, ranks_before<Scalar, Item>);
    return held;
  }
};

}  // namespace detail

/// Writes the first min(k, candidates) of the items 0 .. size - 1 in that order to `out` [k] and returns their number.
/// `excluded` holds `excluded_count` items, ascending (repeats are allowed), that are not candidates.
template <class Scalar, class Isa = simd::NativeIsa, class Item = Index>
Index top_k(const Scalar* scores, Index size, Index k, const std::type_identity_t<Item>* excluded, Index excluded_count,
            Ranked<Scalar, Item>* out) noexcept {
  constexpr Index block = detail::top_k_block<simd::Pack<Scalar, Isa>>;
  if (k <= 0) return 0;
  detail::Best<Scalar, Isa, Item> best{out, k, excluded, excluded + excluded_count};
  for (Index from = 0; from < size; from += block) {
    best.offer(scores + from, from, size - from < block ? size : from + block);
  }
  return best.sorted();
}

/// The same for the scores query . table_i (+ bias[i] unless it is null), which are not stored. table [items, d] holds
/// Scalar or, at half the memory, Bfloat16 (Scalar is then float); sums are in Scalar. A score depends neither on its
/// item's index nor on the other items.
template <class Scalar, class Element, class Isa = simd::NativeIsa, class Item = Index>
Index top_k_of_table(MatrixView<const Element> table, const Scalar* query, const Scalar* bias, Index k,
                     const std::type_identity_t<Item>* excluded, Index excluded_count,
                     Ranked<Scalar, Item>* out) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index block = detail::top_k_block<P>;
  if (k <= 0) return 0;
  const Index size = table.rows();
  detail::Best<Scalar, Isa, Item> best{out, k, excluded, excluded + excluded_count};
  Scalar scores[block];
  for (Index from = 0; from < size; from += block) {
    const Index to = size - from < block ? size : from + block;
    for (Index i = from; i < to; i += P::width) {
      const Index n = to - i < P::width ? to - i : P::width;
      P products[P::width];
      for (Index r = 0; r < P::width; ++r) {
        const Element* const row = table.row(r < n ? i + r : i);
        P sum(Scalar(0));
        simd::for_each_pack<P>(table.cols(), [&](Index j, Index m) {
          sum = fma(simd::load<P>(query + j, m), simd::load<P>(row + j, m), sum);
        });
        products[r] = sum;
      }
      P score = simd::reduce_each(products, [](P a, P b) { return a + b; });
      if (bias != nullptr) score = score + simd::load<P>(bias + i, n);
      score.store(scores + (i - from));
    }
    best.offer(scores, from, to);
  }
  return best.sorted();
}

}  // namespace heed::inline HEED_ABI::kernels
