// SPDX-License-Identifier: Apache-2.0
// Repeats one row per segment over the segment's tokens.
#pragma once

#include "heed/ops/detail/reduce.hpp"

namespace heed::inline HEED_ABI {

/// x [segments, ..] -> [tokens, ..]: each token gets its segment's row. The backward pass sums over each segment.
/// Throws ShapeError unless the first size of x is the number of segments.
template <class Scalar>
Var<Scalar> expand(Var<Scalar> x, const Segments& segments) {
  Tape<Scalar>& tape = x.tape();
  if (x.shape().rank() == 0 || x.shape()[0] != segments.count()) {
    fail<ShapeError>("expand", "input ", x.shape(), " for ", segments.count(), " segments");
  }
  // The groups divide the output; x has the shape that a sum of the output over the segments would have.
  detail::Groups groups{.count = segments.count(), .offsets = tape.keep(segments).offsets};
  for (int d = 1; d < x.shape().rank() - 1; ++d) groups.inner *= x.shape()[d];
  const auto y = tape.allocate(detail::with_size(x.shape(), 0, segments.tokens()));
  const auto in = detail::as_rows(x.value(), groups);
  const auto out = detail::as_rows(y, groups);
  tape.executor().run_ranges(groups.outputs(), groups.grain(y.size()), [&](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) {
      const TensorView<Scalar> group = groups.group(out, r);
      kernels::copy_rows<Scalar>({in.row(r), {group.rows(), group.cols()}, 0}, group);
    }
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = detail::as_rows(g(x), groups);
    const auto dy = detail::as_rows(g.output(), groups);
    g.tape().executor().run_ranges(groups.outputs(), groups.grain(y.size()), [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) kernels::add_column_sums<Scalar>(groups.group(dy, r), dx.row(r));
    });
  });
}

}  // namespace heed::inline HEED_ABI
