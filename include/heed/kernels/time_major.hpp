// SPDX-License-Identifier: Apache-2.0
// The order in which a recurrent layer runs ragged sequences: step after step, the sequences of a group side by side.
#pragma once

#include "heed/core/round.hpp"
#include "heed/core/segments.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Time-major order of a batch. Sequences are dealt to groups of at most `group_size` in turn, longest first, so that
/// groups take about equally long and, inside a group, the sequences alive at a step are the first ones. The rows of
/// a group are its step 0 (all members), its step 1 (those longer than 1), and so on.
struct TimeMajor {
  static constexpr Index group_size = 32;

  SegmentsView segments;
  bool reverse = false;
  Index* source = nullptr;  ///< [tokens]: the packed row of each time-major row
  Index* first = nullptr;   ///< [groups + 1]: the first time-major row of each group

  Index groups() const { return ceil_divide(segments.count, group_size); }
  Index members(Index group) const { return ceil_divide(segments.count - group, groups()); }
  Index member(Index group, Index r) const { return segments.order[group + r * groups()]; }
  /// How many members of a group, of the `from` first, have a step t.
  Index alive(Index group, Index from, Index t) const {
    while (from > 0 && segments.length(member(group, from - 1)) <= t) --from;
    return from;
  }

  /// Fills source and first.
  void arrange() noexcept {
    Index row = 0;
    for (Index group = 0; group < groups(); ++group) {
      first[group] = row;
      Index rows = members(group);
      for (Index t = 0; (rows = alive(group, rows, t)) > 0; ++t) {
        for (Index r = 0; r < rows; ++r, ++row) {
          const Index s = member(group, r);
          source[row] = reverse ? segments.end(s) - 1 - t : segments.begin(s) + t;
        }
      }
    }
    first[groups()] = row;
  }
};

}  // namespace heed::inline HEED_ABI::kernels
