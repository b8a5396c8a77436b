// SPDX-License-Identifier: Apache-2.0
// Several arrays in one scratch buffer.
#pragma once

#include "heed/core/round.hpp"
#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI {

/// Places arrays one after another in a buffer aligned to 64 bytes, each at a multiple of 64 bytes. Without a buffer
/// (null) the arrays are null and only `size()` advances, so that the same calls compute the size of the buffer.
template <class Scalar>
class ScratchLayout {
 public:
  explicit ScratchLayout(Scalar* buffer) : buffer_(buffer) {}

  /// Returns an array of `count` uninitialised elements.
  Scalar* array(Index count) {
    Scalar* out = buffer_ != nullptr ? buffer_ + size_ : nullptr;
    size_ += round_up(count, 64 / static_cast<Index>(sizeof(Scalar)));
    return out;
  }
  MatrixView<Scalar> matrix(Index rows, Index cols, Index row_stride) {
    return {array(rows * row_stride), {rows, cols}, row_stride};
  }
  MatrixView<Scalar> matrix(Index rows, Index cols) { return matrix(rows, cols, cols); }
  /// Number of elements of the buffer used so far.
  Index size() const { return size_; }

 private:
  Scalar* buffer_;
  Index size_ = 0;
};

}  // namespace heed::inline HEED_ABI
