// SPDX-License-Identifier: Apache-2.0
// Whether sequences must be processed in order because inputs of an operation share memory.
#pragma once

#include <algorithm>
#include <utility>

#include "heed/core/segments.hpp"
#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::detail {

/// Returns true when an element of `a` in one sequence may be an element of `b` in another: both then add to the same
/// gradient, which is reproducible only if one thread adds them in order. Separate arrays, one array with the same
/// segments, and disjoint columns of one array (a projection to query, key and value) do not collide.
template <class Scalar>
bool collide(MatrixView<Scalar> a, SegmentsView a_segments, MatrixView<Scalar> b, SegmentsView b_segments) {
  if (a.size() == 0 || b.size() == 0) return false;
  if (b.data() < a.data()) {
    std::swap(a, b);
    std::swap(a_segments, b_segments);
  }
  const Index apart = b.data() - a.data(), stride = a.row_stride();
  if (apart >= (a.rows() - 1) * stride + a.cols()) return false;
  if (b.row_stride() != stride) return true;
  const Index column = apart % stride;
  if (column + b.cols() > stride) return true;
  if (column >= a.cols()) return false;
  return apart >= stride ||
         !std::equal(a_segments.offsets, a_segments.offsets + a_segments.count + 1, b_segments.offsets);
}

}  // namespace heed::inline HEED_ABI::detail
