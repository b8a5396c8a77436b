// SPDX-License-Identifier: Apache-2.0
// The order in which a recurrent layer processes ragged sequences: step by step, the sequences of a group side by side.
#pragma once

#include <utility>

#include "heed/core/round.hpp"
#include "heed/core/segments.hpp"
#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Step t of a group, for its first `rows` members, in time-major rows first, first + 1, ..
struct TimeStep {
  Index t, first, rows;

  /// Returns the step's rows of a time-major array, which may be empty.
  template <class Scalar>
  MatrixView<Scalar> of(MatrixView<Scalar> x) const {
    return x.rows(first, first + rows);
  }
};

/// Time-major order of a batch. Sequences are distributed round-robin, longest first, over groups of at most
/// `group_size`, so that groups have about equal work and the sequences that have not ended at a step are the first of
/// their group. The rows of a group are its step 0 (all members), its step 1 (those longer than 1), and so on.
struct TimeMajor {
  static constexpr Index group_size = 32;

  SegmentsView segments;
  bool reverse = false;
  Index* source = nullptr;  ///< [tokens]: the packed row of each time-major row
  Index* first = nullptr;   ///< [groups + 1]: the first time-major row of each group

  Index groups() const { return ceil_divide(segments.count, group_size); }
  Index members(Index group) const { return ceil_divide(segments.count - group, groups()); }
  Index member(Index group, Index r) const { return segments.order[group + r * groups()]; }
  /// Returns the number of members, among the first `from` of a group, that have a step t.
  Index alive(Index group, Index from, Index t) const {
    while (from > 0 && segments.length(member(group, from - 1)) <= t) --from;
    return from;
  }

  /// Calls body(step, ended) for the steps of a group, first to last, and finally with no rows. Members step.rows ..
  /// ended - 1 end before this step.
  template <class Body>
  void for_each_step(Index group, const Body& body) const {
    TimeStep step{0, first[group], members(group)};
    while (step.rows > 0) {
      const Index ended = step.rows;
      step.rows = alive(group, ended, step.t);
      body(std::as_const(step), ended);
      step.first += step.rows;
      ++step.t;
    }
  }
  /// Calls body(step) for the steps of a group, last to first.
  template <class Body>
  void for_each_step_backward(Index group, const Body& body) const {
    Index row = first[group + 1];
    for (Index t = segments.length(member(group, 0)); t-- > 0;) {
      const Index rows = alive(group, members(group), t);
      row -= rows;
      body(TimeStep{t, row, rows});
    }
  }

  /// Fills `source` and `first`.
  void arrange() noexcept {
    first[0] = 0;
    for (Index group = 0; group < groups(); ++group) {
      for_each_step(group, [&](TimeStep step, Index) {
        for (Index r = 0; r < step.rows; ++r) {
          const Index s = member(group, r);
          source[step.first + r] = reverse ? segments.end(s) - 1 - step.t : segments.begin(s) + step.t;
        }
        first[group + 1] = step.first + step.rows;
      });
    }
  }
};

}  // namespace heed::inline HEED_ABI::kernels
