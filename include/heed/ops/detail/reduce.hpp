// SPDX-License-Identifier: Apache-2.0
// What sum, mean and max share: how an array splits into groups of elements that become one.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/detail/axis.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/gradient_sink.hpp"

namespace heed::inline HEED_ABI::detail {

/// The groups of a reduction: each is a matrix whose columns are reduced to one row of the output. Trivially copyable.
/// Over a dimension, group o and inner row i take every `inner`-th row; over segments, the rows of the segment.
struct Groups {
  Index count = 0;   ///< of groups along the first dimensions: outer sizes, or segments
  Index middle = 0;  ///< elements of a group, when all have the same
  Index inner = 1;   ///< rows that belong to one element
  const Index* offsets = nullptr;
  bool last = false;  ///< over the last dimension: a group is one row, seen as a column

  Index length(Index o) const { return offsets != nullptr ? offsets[o + 1] - offsets[o] : middle; }
  /// Rows of the output.
  Index outputs() const { return count * inner; }
  /// The matrix [length, cols] that output row `r` reduces.
  template <class Scalar>
  TensorView<Scalar> group(TensorView<Scalar> x, Index r) const {
    if (last) return {x.row(r), {middle, 1}};
    const Index o = r / inner, begin = offsets != nullptr ? offsets[o] : o * middle;
    return {x.row(begin * inner + r % inner), {length(o), x.cols()}, inner * x.row_stride()};
  }
  /// Output rows a chunk, so that a chunk reads about as much as one of an elementwise operation.
  Index grain(Index size) const { return outputs() == 0 ? 1 : 1 + elementwise_grain / (1 + size / outputs()); }
};

/// An array as the reduction sees it: `x` of two dimensions or more, or one dimension as a column.
template <class Scalar>
TensorView<Scalar> as_rows(TensorView<Scalar> x, const Groups& groups) {
  return x.shape().rank() == 1 && !groups.last ? TensorView<Scalar>(x.data(), {x.size(), 1}) : x;
}

inline Groups over_axis(const Shape& shape, int axis) {
  if (axis == shape.rank() - 1) return {.count = shape.rows(), .middle = shape[axis], .last = true};
  const RowBlocks blocks(shape, axis);
  return {.count = blocks.outer, .middle = blocks.middle, .inner = blocks.inner};
}

/// Checks that x is [tokens, ..]; the offsets are kept on the tape.
template <class Scalar>
Groups over_segments(std::string_view operation, Var<Scalar> x, const Segments& segments) {
  const Shape& shape = x.shape();
  if (shape.rank() == 0 || shape[0] != segments.tokens()) {
    fail<ShapeError>(operation, "input ", shape, " for ", segments.count(), " segments of ", segments.tokens(),
                     " tokens");
  }
  Groups out{.count = segments.count(), .offsets = x.tape().keep(segments).offsets};
  for (int d = 1; d < shape.rank() - 1; ++d) out.inner *= shape[d];
  return out;
}

/// Throws ShapeError when a group is empty, for reductions that have no value then.
inline void refuse_empty(std::string_view operation, const Groups& groups, const Shape& shape) {
  for (Index o = 0; o < groups.count; ++o) {
    if (groups.length(o) > 0) continue;
    if (groups.offsets != nullptr) fail<ShapeError>(operation, "segment ", o, " is empty, and has no default");
    fail<ShapeError>(operation, "nothing to reduce in ", shape);
  }
}

/// y_g = sum of group g, or its mean (`empty` for an empty group).
template <class Scalar>
Var<Scalar> reduce_sum(Var<Scalar> x, const Shape& shape, const Groups& groups, bool mean, Scalar empty) {
  Tape<Scalar>& tape = x.tape();
  const auto y = tape.allocate(shape);
  const auto in = as_rows(x.value(), groups);
  const Index width = groups.last ? 1 : in.cols();
  const TensorView<Scalar> out(y.data(), {groups.outputs(), width});
  const auto factor = [groups, mean](Index r) {
    return mean ? Scalar(1) / static_cast<Scalar>(groups.length(r / groups.inner)) : Scalar(1);
  };
  tape.executor().run_ranges(out.rows(), groups.grain(in.size()), [&](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) {
      const TensorView<const Scalar> group = groups.group(in, r);
      if (groups.last) {
        out.row(r)[0] = kernels::sum(group.rows(), group.data());
      } else {
        std::fill_n(out.row(r), width, Scalar(0));
        kernels::add_column_sums<Scalar>(group, out.row(r));
      }
      if (mean && group.rows() == 0) {
        std::fill_n(out.row(r), width, empty);
      } else if (mean) {
        for (Index j = 0; j < width; ++j) out.row(r)[j] *= factor(r);
      }
    }
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const GradientSink<Scalar> sink(g, x);
    if (!sink.view()) return;
    const auto dx = as_rows(sink.view(), groups);
    const TensorView<const Scalar> dy(g.output().data(), out.shape());
    g.tape().executor().run_ranges(out.rows(), groups.grain(in.size()), [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) {
        if (groups.last) {
          const Scalar each = dy.row(r)[0] * factor(r);
          Scalar* const row = dx.row(r);
          if (sink.fresh()) {
            std::fill_n(row, groups.middle, each);
          } else {
            for (Index j = 0; j < groups.middle; ++j) row[j] += each;
          }
          continue;
        }
        const TensorView<Scalar> group = groups.group(dx, r);
        if (group.rows() == 0) continue;
        for (Index j = 0; sink.fresh() && j < group.rows(); ++j) std::fill_n(group.row(j), width, Scalar(0));
        kernels::add_rows<Scalar>({dy.row(r), {group.rows(), group.cols()}, 0}, group, factor(r));
      }
    });
  });
}

}  // namespace heed::inline HEED_ABI::detail
