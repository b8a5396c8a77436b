// SPDX-License-Identifier: Apache-2.0
// Shapes with one dimension selected, replaced or removed.
#pragma once

#include "heed/core/shape.hpp"

namespace heed::inline HEED_ABI::detail {

/// Returns `axis` (negative: from the end) counted from the front. Throws IndexError, naming `operation`.
[[gnu::noinline]] inline int checked_axis(std::string_view operation, const Shape& shape, int axis) {
  const int at = axis < 0 ? axis + shape.rank() : axis;
  if (at < 0 || at >= shape.rank()) fail<IndexError>(operation, "dimension ", axis, " of ", shape);
  return at;
}

/// Returns `shape` with the size of dimension `axis` replaced.
[[gnu::noinline]] inline Shape with_size(const Shape& shape, int axis, Index size) {
  Shape out;
  for (int d = 0; d < shape.rank(); ++d) out.push_back(d == axis ? size : shape[d]);
  return out;
}

/// Returns `shape` without dimension `axis`.
[[gnu::noinline]] inline Shape without(const Shape& shape, int axis) {
  Shape out;
  for (int d = 0; d < shape.rank(); ++d) {
    if (d != axis) out.push_back(shape[d]);
  }
  return out;
}

/// A dimension `axis`, not the last, of an array whose leading dimensions are folded into rows: element m of the
/// dimension consists of rows (o * middle + m) * inner .. + inner - 1, for every o in 0 .. outer - 1.
struct RowBlocks {
  Index outer = 1, middle, inner = 1;

  [[gnu::noinline]] RowBlocks(const Shape& shape, int axis) : middle(shape[axis]) {
    for (int d = 0; d < axis; ++d) outer *= shape[d];
    for (int d = axis + 1; d < shape.rank() - 1; ++d) inner *= shape[d];
  }
};

}  // namespace heed::inline HEED_ABI::detail
