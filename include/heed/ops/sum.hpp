// SPDX-License-Identifier: Apache-2.0
// Sums over all elements, a dimension, or segments.
#pragma once

#include "heed/ops/detail/reduce.hpp"
#include "heed/ops/reshape.hpp"

namespace heed::inline HEED_ABI {

/// Returns the sums over dimension `axis` (negative: from the end), which is removed. An empty sum is 0. Throws
/// IndexError for a dimension out of range.
template <class Scalar>
Var<Scalar> sum(Var<Scalar> x, int axis) {
  return detail::reduce_sum(x, detail::over_axis("sum", x.shape(), axis), false, Scalar(0));
}
/// Returns the sum over all elements, a scalar.
template <class Scalar>
Var<Scalar> sum(Var<Scalar> x) {
  return sum(reshape(x, {x.shape().size()}), 0);
}
/// Returns the sums over each segment: x [tokens, ..] -> [segments, ..]; 0 for an empty segment. Throws ShapeError when
/// the number of tokens differs.
template <class Scalar>
Var<Scalar> sum(Var<Scalar> x, const Segments& segments) {
  return detail::reduce_sum(x, detail::over_segments("sum", x, segments), false, Scalar(0));
}

}  // namespace heed::inline HEED_ABI
