// SPDX-License-Identifier: Apache-2.0
// Tiles of the rows of a sampled loss, with their negatives.
#pragma once

#include <algorithm>
#include <span>

#include "heed/autograd/tape.hpp"
#include "heed/core/segments.hpp"
#include "heed/kernels/embedding.hpp"

namespace heed::inline HEED_ABI::detail {

/// Tiles of at most 64 rows, without the ignored ones. If the rows of a sequence share their negatives, no tile spans
/// two sequences. The arrays are owned by the tape.
struct SampledTiles {
  static constexpr Index most = 64;
  Index count = 0, size = 0, negatives = 0;  ///< number of rows that are not ignored, of tiles, of negatives (N)
  const Index* rows = nullptr;               ///< [count]: their indices in x
  const Index* targets = nullptr;            ///< [count]
  const Index* begins = nullptr;             ///< [size + 1]: tile t holds rows[begins[t]] .. rows[begins[t + 1] - 1]
  const Index* items = nullptr;              ///< [groups, N] or [count, N]: the negatives
  const Index* groups = nullptr;             ///< [size]: group whose negatives tile t uses; null: each row has its own

  bool shared() const { return groups != nullptr; }
  Index tall(Index t) const { return begins[t + 1] - begins[t]; }
  const Index* targets_of(Index t) const { return targets + begins[t]; }
  const Index* items_of(Index t) const { return items + (shared() ? groups[t] : begins[t]) * negatives; }
  /// Returns tile t's rows of x if they are consecutive, else an empty view.
  template <class Scalar>
  MatrixView<Scalar> rows_of(MatrixView<Scalar> x, Index t) const {
    const Index first = rows[begins[t]], end = rows[begins[t + 1] - 1] + 1;
    return end - first == tall(t) ? x.rows(first, end) : MatrixView<Scalar>();
  }
  /// Returns whether tile t is the last with its negatives.
  bool ends_group(Index t) const { return t + 1 == size || groups[t + 1] != groups[t]; }
  /// Returns tile t of an array of `candidates` elements per row, stored transposed: [candidates, tall].
  template <class Scalar>
  TensorView<Scalar> part(TensorView<Scalar> all, Index candidates, Index t) const {
    return {all.data() + begins[t] * candidates, {candidates, tall(t)}};
  }
};

/// The table's rows of shared negatives, which each worker gathers when it reaches a tile of another group.
template <class Scalar>
class GatheredNegatives {
 public:
  /// Allocates scratch buffers for `workers` workers, which may be 0 if no negatives are shared.
  GatheredNegatives(Arena& scratch, const SampledTiles& tiles, MatrixView<const Scalar> table, Index workers)
      : tiles_(tiles),
        table_(table),
        rows_(scratch.tensor<Scalar>({workers * tiles.negatives, table.cols()})),
        groups_(scratch.array<Index>(workers)) {
    std::fill_n(groups_, workers, Index{-1});
  }

  /// Returns the rows of tile t's negatives [N, d], valid until this worker gathers those of another tile.
  MatrixView<const Scalar> gather(Index t, int worker) {
    const auto rows = rows_.rows(worker * tiles_.negatives, (worker + 1) * tiles_.negatives);
    if (groups_[worker] != tiles_.groups[t]) kernels::embedding_forward<Scalar>(table_, tiles_.items_of(t), rows);
    groups_[worker] = tiles_.groups[t];
    return rows;
  }

 private:
  const SampledTiles& tiles_;
  MatrixView<const Scalar> table_;
  MatrixView<Scalar> rows_;  ///< [workers N, d]
  Index* groups_;            ///< [workers]: the group whose negatives each worker has gathered; -1: none yet
};

/// Returns the tiles of `targets` [rows], with N of `items` for each sequence, for each row, or for all rows together.
template <class Scalar>
SampledTiles cut_sampled_rows(Tape<Scalar>& tape, std::span<const Index> targets, Index ignore_index,
                              std::span<const Index> items, const Segments* sequences, bool each_row) {
  constexpr Index most = SampledTiles::most;
  const Index rows = std::ssize(targets), groups = sequences != nullptr ? sequences->count() : 1;
  const Index sets = each_row ? rows : groups;
  SampledTiles out;
  for (const Index target : targets) out.count += target != ignore_index ? 1 : 0;
  out.negatives = sets > 0 ? std::ssize(items) / sets : 0;
  Index* const kept = tape.template allocate_array<Index>(out.count);
  Index* const wanted = tape.template allocate_array<Index>(out.count);
  Index* const begins = tape.template allocate_array<Index>(out.count / most + groups + 1);
  Index* const group = tape.template allocate_array<Index>(out.count / most + groups);
  Index n = begins[0] = 0;
  for (Index g = 0; g < groups; ++g) {
    const auto close = [&] {
      group[out.size++] = g;
      begins[out.size] = n;
    };
    const Index end = sequences != nullptr ? sequences->end(g) : rows;
    for (Index i = sequences != nullptr ? sequences->begin(g) : 0; i < end; ++i) {
      const Index target = targets[static_cast<std::size_t>(i)];
      if (target == ignore_index) continue;
      kept[n] = i;
      wanted[n++] = target;
      if (n - begins[out.size] == most) close();
    }
    if (n > begins[out.size]) close();
  }
  out.rows = kept;
  out.targets = wanted;
  out.begins = begins;
  if (!each_row) {
    out.groups = group;
    out.items = tape.keep(items);
    return out;
  }
  Index* const own = tape.template allocate_array<Index>(out.count * out.negatives);
  for (Index i = 0; i < out.count; ++i) {
    std::copy_n(items.data() + kept[i] * out.negatives, out.negatives, own + i * out.negatives);
  }
  out.items = own;
  return out;
}

}  // namespace heed::inline HEED_ABI::detail
