// SPDX-License-Identifier: Apache-2.0
// Means over all elements, a dimension, or segments.
#pragma once

#include <optional>

#include "heed/ops/detail/reduce.hpp"
#include "heed/ops/reshape.hpp"

namespace heed::inline HEED_ABI {

/// Returns the means over dimension `axis` (negative: from the end), which is removed. Throws IndexError for a
/// dimension out of range, ShapeError if its size is 0.
template <class Scalar>
Var<Scalar> mean(Var<Scalar> x, int axis) {
  const detail::Groups groups = detail::over_axis("mean", x.shape(), axis);
  detail::refuse_empty("mean", groups, x.shape());
  return detail::reduce_sum(x, groups, true, Scalar(0));
}
/// Returns the mean over all elements, a scalar. Throws ShapeError if x is empty.
template <class Scalar>
Var<Scalar> mean(Var<Scalar> x) {
  detail::refuse_empty("mean", {.count = 1, .middle = x.shape().size()}, x.shape());
  return mean(reshape(x, {x.shape().size()}), 0);
}
/// Returns the means over each segment: x [tokens, ..] -> [segments, ..]; `empty` for an empty segment. Throws
/// ShapeError for an empty segment if `empty` is not given, or if the number of tokens differs.
template <class Scalar>
Var<Scalar> mean(Var<Scalar> x, const Segments& segments, std::optional<double> empty = {}) {
  const detail::Groups groups = detail::over_segments("mean", x, segments);
  if (!empty) detail::refuse_empty("mean", groups, x.shape());
  return detail::reduce_sum(x, groups, true, static_cast<Scalar>(empty.value_or(0)));
}

}  // namespace heed::inline HEED_ABI
