// SPDX-License-Identifier: Apache-2.0
// Maxima over all elements, a dimension, or segments.
#pragma once

#include <optional>

#include "heed/ops/detail/reduce.hpp"
#include "heed/ops/reshape.hpp"

namespace heed::inline HEED_ABI {

namespace detail {

/// Returns the maximum of each group (`empty` for an empty group); its first occurrence gets the gradient.
template <class Scalar>
Var<Scalar> reduce_max(Var<Scalar> x, const Groups& groups, Scalar empty) {
  Tape<Scalar>& tape = x.tape();
  const auto y = tape.allocate(groups.shape);
  const auto in = as_rows(x.value(), groups);
  const Index width = groups.last ? 1 : in.cols();
  const TensorView<Scalar> out(y.data(), {groups.outputs(), width});
  Index* at = tape.template allocate_array<Index>(y.size());
  tape.executor().run_ranges(out.rows(), groups.grain(in.size()), [&](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) {
      const TensorView<const Scalar> group = groups.group(in, r);
      if (group.rows() == 0) {
        std::fill_n(out.row(r), width, empty);
      } else {
        kernels::column_max<Scalar>(group, out.row(r), at + r * width);
      }
    }
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = as_rows(g(x), groups);
    for (Index r = 0; r < out.rows(); ++r) {
      const TensorView<Scalar> group = groups.group(dx, r);
      if (group.rows() == 0) continue;
      for (Index j = 0; j < width; ++j) group(at[r * width + j], j) += g.output().data()[r * width + j];
    }
  });
}

}  // namespace detail

/// Returns the maxima over dimension `axis` (negative: from the end), which is removed. NaN counts as the maximum; the
/// first of equal maxima gets the gradient. Throws IndexError for a dimension out of range, ShapeError if it is empty.
template <class Scalar>
Var<Scalar> max(Var<Scalar> x, int axis) {
  const detail::Groups groups = detail::over_axis("max", x.shape(), axis);
  detail::refuse_empty("max", groups, x.shape());
  return detail::reduce_max(x, groups, Scalar(0));
}
/// Returns the maximum over all elements, a scalar. Throws ShapeError if x is empty.
template <class Scalar>
Var<Scalar> max(Var<Scalar> x) {
  detail::refuse_empty("max", {.count = 1, .middle = x.shape().size()}, x.shape());
  return max(reshape(x, {x.shape().size()}), 0);
}
/// Returns the maxima over each segment: x [tokens, ..] -> [segments, ..]; `empty` for an empty segment. Throws
/// ShapeError for an empty segment if `empty` is not given, or if the number of tokens differs.
template <class Scalar>
Var<Scalar> max(Var<Scalar> x, const Segments& segments, std::optional<double> empty = {}) {
  const detail::Groups groups = detail::over_segments("max", x, segments);
  if (!empty) detail::refuse_empty("max", groups, x.shape());
  return detail::reduce_max(x, groups, static_cast<Scalar>(empty.value_or(0)));
}

}  // namespace heed::inline HEED_ABI
