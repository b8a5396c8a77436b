// SPDX-License-Identifier: Apache-2.0
// Sums over everything, a dimension, or segments.
#pragma once

#include "heed/ops/detail/reduce.hpp"
#include "heed/ops/reshape.hpp"

namespace heed::inline HEED_ABI {

/// Over dimension `axis` (negative: from the end), which disappears. The sum of nothing is 0. Throws IndexError for a
/// dimension that x does not have.
template <class Scalar>
Var<Scalar> sum(Var<Scalar> x, int axis) {
  const int at = detail::checked_axis("sum", x.shape(), axis);
  return detail::reduce_sum(x, detail::without(x.shape(), at), detail::over_axis(x.shape(), at), false, Scalar(0));
}
/// Over everything: a scalar.
template <class Scalar>
Var<Scalar> sum(Var<Scalar> x) {
  return sum(reshape(x, {x.shape().size()}), 0);
}
/// Over each segment: x [tokens, ..] -> [segments, ..]; 0 for an empty one. Throws ShapeError when the number of
/// tokens differs.
template <class Scalar>
Var<Scalar> sum(Var<Scalar> x, const Segments& segments) {
  const detail::Groups groups = detail::over_segments("sum", x, segments);
  return detail::reduce_sum(x, detail::with_size(x.shape(), 0, segments.count()), groups, false, Scalar(0));
}

}  // namespace heed::inline HEED_ABI
