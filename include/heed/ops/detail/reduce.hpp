// SPDX-License-Identifier: Apache-2.0
// Groups of elements that are reduced to one, shared by sum, mean and max.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/detail/axis.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/gradient_sink.hpp"

namespace heed::inline HEED_ABI::detail {

/// The groups of a reduction: each is a matrix whose columns are reduced to one row of the output. Trivially copyable.
/// A group consists of every `inner`-th row of the elements of a dimension or of a segment.
struct Groups {
  Shape shape{};     ///< of the output
  Index count = 0;   ///< number of groups along the first dimensions: the outer sizes, or the segments
  Index middle = 0;  ///< number of elements per group, if it is the same for all
  Index inner = 1;   ///< number of rows per element
  const Index* offsets = nullptr;
  bool last = false;  ///< reduces the last dimension: a group is one row, viewed as a column

  Index length(Index o) const { return offsets != nullptr ? offsets[o + 1] - offsets[o] : middle; }
  /// Number of rows of the output.
  Index outputs() const { return count * inner; }
  /// Returns the matrix [length, cols] that is reduced to output row `r`.
  template <class Scalar>
  TensorView<Scalar> group(TensorView<Scalar> x, Index r) const {
    if (last) return {x.row(r), {middle, 1}};
    const Index o = r / inner, begin = offsets != nullptr ? offsets[o] : o * middle;
    return {x.row(begin * inner + r % inner), {length(o), x.cols()}, inner * x.row_stride()};
  }
  /// Output rows per chunk, so that a chunk reads about as much as a chunk of an elementwise operation.
  Index grain(Index size) const { return outputs() == 0 ? 1 : 1 + elementwise_grain / (1 + size / outputs()); }
};

/// Returns x, or a one-dimensional x viewed as a column (unless the last dimension is reduced).
template <class Scalar>
TensorView<Scalar> as_rows(TensorView<Scalar> x, const Groups& groups) {
  return x.shape().rank() == 1 && !groups.last ? TensorView<Scalar>(x.data(), {x.size(), 1}) : x;
}

/// Returns the groups of dimension `axis` (negative: from the end). Throws IndexError naming `operation`.
inline Groups over_axis(std::string_view operation, const Shape& shape, int axis) {
  const int at = checked_axis(operation, shape, axis);
  const Shape rest = without(shape, at);
  if (at == shape.rank() - 1) return {.shape = rest, .count = shape.rows(), .middle = shape[at], .last = true};
  const RowBlocks blocks(shape, at);
  return {.shape = rest, .count = blocks.outer, .middle = blocks.middle, .inner = blocks.inner};
}

/// Checks that x is [tokens, ..], and keeps the offsets on the tape. Throws ShapeError naming `operation`.
template <class Scalar>
Groups over_segments(std::string_view operation, Var<Scalar> x, const Segments& segments) {
  const Shape& shape = x.shape();
  if (shape.rank() == 0 || shape[0] != segments.tokens()) {
    fail<ShapeError>(operation, "input ", shape, " for ", segments.count(), " segments of ", segments.tokens(),
                     " tokens");
  }
  Groups out{.shape = with_size(shape, 0, segments.count()),
             .count = segments.count(),
             .offsets = x.tape().keep(segments).offsets};
  for (int d = 1; d < shape.rank() - 1; ++d) out.inner *= shape[d];
  return out;
}

/// Throws ShapeError if a group is empty, for reductions that are undefined on empty groups.
inline void refuse_empty(std::string_view operation, const Groups& groups, const Shape& shape) {
  for (Index o = 0; o < groups.count; ++o) {
    if (groups.length(o) > 0) continue;
    if (groups.offsets != nullptr) fail<ShapeError>(operation, "segment ", o, " is empty, and no default is given");
    fail<ShapeError>(operation, "nothing to reduce in ", shape);
  }
}

/// Returns the sum of each group or, with `mean`, its mean (`empty` for an empty group).
template <class Scalar>
Var<Scalar> reduce_sum(Var<Scalar> x, const Groups& groups, bool mean, Scalar empty,
                       std::source_location where = std::source_location::current()) {
  Tape<Scalar>& tape = x.tape();
  const auto y = tape.allocate(groups.shape);
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
  const auto add_gradients = [=](const Gradients<Scalar>& g) {
    const GradientSink<Scalar> sink(g, x);
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
  };
  return record(tape, {x}, y, add_gradients, where);
}

}  // namespace heed::inline HEED_ABI::detail
