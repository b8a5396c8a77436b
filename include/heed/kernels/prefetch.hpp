// SPDX-License-Identifier: Apache-2.0
// Prefetching of rows that are read soon: short, scattered rows, whose addresses the hardware cannot predict.
#pragma once

#include <cstdint>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Prefetches the cache lines of elements [offset, offset + size) from p on. They need not exist: any address is valid.
template <class Scalar>
[[gnu::always_inline]] inline void prefetch(const Scalar* p, Index offset, Index size) {
  constexpr Index line = 64 / static_cast<Index>(sizeof(Scalar));
  const auto address = [p](Index i) {  // an integer, as p + i may lie outside of the array
    return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(p) +
                                         static_cast<std::uintptr_t>(i) * sizeof(Scalar));
  };
  for (Index i = 0; i < size; i += line) __builtin_prefetch(address(offset + i), 0, 2);
}

/// Prefetches the rows of up to 8 arrays, a few at each step of a computation. Does not affect any result.
template <class Scalar>
class RowPrefetcher {
 public:
  /// Adds the rows of a view, which may be empty.
  void add(MatrixView<const Scalar> view) {
    if (view.size() > 0) arrays_[count_++] = view;
  }
  /// Returns the number of rows not yet prefetched.
  Index remaining() const {
    Index sum = -row_;
    for (Index i = at_; i < count_; ++i) sum += arrays_[i].rows();
    return sum;
  }
  /// Prefetches the next n rows, or those that remain.
  void step(Index n) {
    for (; n > 0 && at_ < count_; --n) {
      const MatrixView<const Scalar> x = arrays_[at_];
      prefetch(x.row(row_), 0, x.cols());
      if (++row_ == x.rows()) {
        row_ = 0;
        ++at_;
      }
    }
  }

 private:
  MatrixView<const Scalar> arrays_[8];
  Index count_ = 0, at_ = 0, row_ = 0;
};

}  // namespace heed::inline HEED_ABI::kernels
