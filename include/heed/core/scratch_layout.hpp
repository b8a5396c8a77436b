// SPDX-License-Identifier: Apache-2.0
// Several arrays in one scratch buffer.
#pragma once

#include "heed/core/round.hpp"
#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI {

/// Lays out arrays one after the other in a buffer aligned to 64 bytes, each at a multiple of 64 bytes. Without a
/// buffer the arrays are null and only `size()` counts, so that the same calls tell how long the buffer must be.
template <class Scalar>
class ScratchLayout {
 public:
  explicit ScratchLayout(Scalar* buffer) : buffer_(buffer) {}

  /// `count` elements, uninitialised.
  Scalar* array(Index count) {
    Scalar* out = buffer_ != nullptr ? buffer_ + size_ : nullptr;
    size_ += round_up(count, 64 / static_cast<Index>(sizeof(Scalar)));
    return out;
  }
  MatrixView<Scalar> matrix(Index rows, Index cols, Index row_stride) {
    return {array(rows * row_stride), {rows, cols}, row_stride};
  }
  MatrixView<Scalar> matrix(Index rows, Index cols) { return matrix(rows, cols, cols); }
  /// Elements of the buffer that the arrays take so far.
  Index size() const { return size_; }

 private:
  Scalar* buffer_;
  Index size_ = 0;
};

}  // namespace heed::inline HEED_ABI
