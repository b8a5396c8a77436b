// SPDX-License-Identifier: Apache-2.0
// The arguments that all attention kernels share: one head of one sequence.
#pragma once

#include "heed/core/mask.hpp"
#include "heed/core/random.hpp"
#include "heed/core/round.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/prefetch.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// The type of an item in a vector lane.
template <class Scalar>
using LaneItem = typename simd::Pack<Scalar>::Integer;

/// Number of 16-bit words of one query's dropout mask, one bit per key, in the layout of DropoutMask.
constexpr Index kept_words(Index keys) { return ceil_divide(keys, 16); }

/// One head of one sequence; all views are `[rows, head width]`, possibly columns of wider arrays.
template <class Scalar>
struct AttentionUnit {
  MatrixView<const Scalar> q, k, v;
  MaskView<Scalar> mask;
  Index segment = 0;
  Scalar scale = 1;
  Scalar keep = 1;                             ///< 1 - dropout probability
  Random random{};                             ///< of this sequence and head
  Scalar* log_sums = nullptr;                  ///< [queries]: log sum_j exp(s_ij)
  RowPrefetcher<Scalar>* next_rows = nullptr;  ///< of the next unit
  /// [queries, kept_words(keys)]: with dropout, the mask that the forward pass drew (see DropoutMask) for the keys that
  /// a query may see by causality and lengths, for the backward pass.
  std::uint16_t* kept = nullptr;
  /// The item that each key holds and each query requests; read only for `mass`.
  const LaneItem<Scalar>*key_items = nullptr, *query_items = nullptr;
  /// [queries, 1] or empty: the sum of query i's weights (after dropout) on the keys that hold its item.
  MatrixView<Scalar> mass{};

  Index queries() const { return q.rows(); }
  Index keys() const { return k.rows(); }
  Index key_end(Index i) const { return mask.key_end(segment, i, queries(), keys()); }
  bool visible(Index i, Index j) const { return mask.shows(mask.at(segment, i, j)); }
};

}  // namespace heed::inline HEED_ABI::kernels
