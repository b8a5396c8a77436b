// SPDX-License-Identifier: Apache-2.0
// Means over everything, a dimension, or segments.
#pragma once

#include <optional>

#include "heed/ops/detail/reduce.hpp"
#include "heed/ops/reshape.hpp"

namespace heed::inline HEED_ABI {

/// Over dimension `axis` (negative: from the end), which disappears. Throws IndexError for a dimension that x does not
/// have, ShapeError when it has size 0.
template <class Scalar>
Var<Scalar> mean(Var<Scalar> x, int axis) {
  const int at = detail::checked_axis("mean", x.shape(), axis);
  const detail::Groups groups = detail::over_axis(x.shape(), at);
  detail::refuse_empty("mean", groups, x.shape());
  return detail::reduce_sum(x, detail::without(x.shape(), at), groups, true, Scalar(0));
}
/// Over everything: a scalar. Throws ShapeError when there is nothing.
template <class Scalar>
Var<Scalar> mean(Var<Scalar> x) {
  detail::refuse_empty("mean", {.count = 1, .middle = x.shape().size()}, x.shape());
  return mean(reshape(x, {x.shape().size()}), 0);
}
/// Over each segment: x [tokens, ..] -> [segments, ..]. An empty segment gets `empty`; without it, it is a ShapeError,
/// as is another number of tokens.
template <class Scalar>
Var<Scalar> mean(Var<Scalar> x, const Segments& segments, std::optional<double> empty = {}) {
  const detail::Groups groups = detail::over_segments("mean", x, segments);
  if (!empty) detail::refuse_empty("mean", groups, x.shape());
  return detail::reduce_sum(x, detail::with_size(x.shape(), 0, segments.count()), groups, true,
                            static_cast<Scalar>(empty.value_or(0)));
}

}  // namespace heed::inline HEED_ABI
