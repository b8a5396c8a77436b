// SPDX-License-Identifier: Apache-2.0
// Rows that somebody will want next, asked from memory a few at a time while this one computes: which rows those are,
// often a few cache lines far apart, no processor foresees.
#pragma once

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Prefetches the `width` elements of `row`.
template <class Scalar>
void ask_for_row(const Scalar* row, Index width) {
  constexpr Index line = 64 / static_cast<Index>(sizeof(Scalar));
  for (Index c = 0; c < width; c += line) __builtin_prefetch(row + c, 0, 2);
}

/// Up to 8 arrays whose rows are to be near soon. Has no influence on any result.
template <class Scalar>
class RowsAhead {
 public:
  void add(MatrixView<const Scalar> view) {
    if (view && view.size() > 0) arrays_[count_++] = {view.data(), view.rows(), view.cols(), view.row_stride()};
  }
  /// Rows not asked for yet.
  Index rows() const {
    Index sum = -row_;
    for (Index i = at_; i < count_; ++i) sum += arrays_[i].rows;
    return sum;
  }
  /// Asks for the next n rows.
  void step(Index n) {
    for (; n > 0 && at_ < count_; --n) {
      const Rows& x = arrays_[at_];
      ask_for_row(x.data + row_ * x.stride, x.cols);
      if (++row_ == x.rows) {
        row_ = 0;
        ++at_;
      }
    }
  }

 private:
  struct Rows {
    const Scalar* data;
    Index rows, cols, stride;
  };
  Rows arrays_[8];
  Index count_ = 0, at_ = 0, row_ = 0;
};

}  // namespace heed::inline HEED_ABI::kernels
