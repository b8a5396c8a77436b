// SPDX-License-Identifier: Apache-2.0
// What attention kernels of every kind are asked: one sequence's share of one head.
#pragma once

#include <limits>

#include "heed/core/mask.hpp"
#include "heed/core/random.hpp"
#include "heed/core/round.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/prefetch.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// An item as lanes compare it.
template <class Scalar>
using LaneItem = typename simd::Pack<Scalar>::Integer;

/// 16-bit words of one query's dropout, a bit a key, as DropoutMask has them.
constexpr Index kept_words(Index keys) { return ceil_divide(keys, 16); }

/// One sequence's share of one head; all views are `[rows, head width]`, possibly columns of wider arrays.
template <class Scalar>
struct AttentionUnit {
  MatrixView<const Scalar> q, k, v;
  MaskView<Scalar> mask;
  Index segment = 0;
  Scalar scale = 1;
  Scalar keep = 1;                             ///< 1 - dropout probability
  Random random{};                             ///< of this sequence and head
  Scalar* log_sums = nullptr;                  ///< [queries]: log sum_j exp(s_ij)
  RowPrefetcher<Scalar>* next_rows = nullptr;  ///< of the unit that follows
  /// [queries, kept_words(keys)]: with dropout, what the forward pass drew (see DropoutMask) of the keys that causality
  /// and lengths let a query see, for the backward pass.
  std::uint16_t* kept = nullptr;
  /// What each key holds and each query asks for; read for `mass` only.
  const LaneItem<Scalar>*key_items = nullptr, *query_items = nullptr;
  /// [queries, 1] or empty: the sum of query i's weights (after dropout) on the keys that hold its item.
  MatrixView<Scalar> mass{};

  Index queries() const { return q.rows(); }
  Index keys() const { return k.rows(); }
  Index key_end(Index i) const { return mask.key_end(segment, i, queries(), keys()); }
  bool visible(Index i, Index j) const {
    const Index at = mask.at(segment, i, j);
    if (mask.visible != nullptr && mask.visible[at] == 0) return false;
    return mask.additive == nullptr || mask.additive[at] != -std::numeric_limits<Scalar>::infinity();
  }
};

}  // namespace heed::inline HEED_ABI::kernels
