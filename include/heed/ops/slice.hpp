// SPDX-License-Identifier: Apache-2.0
// A range of one dimension.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/ops/detail/axis.hpp"

namespace heed::inline HEED_ABI {

/// Returns elements begin .. end - 1 of dimension `axis` (negative: from the end). A slice of the first or the last
/// dimension is a view, not a copy. Throws IndexError for a dimension or a range out of bounds.
template <class Scalar>
Var<Scalar> slice(Var<Scalar> x, int axis, Index begin, Index end) {
  Tape<Scalar>& tape = x.tape();
  const auto in = x.value();
  const int at = detail::checked_axis("slice", in.shape(), axis);
  if (begin < 0 || begin > end || end > in.shape()[at]) {
    fail<IndexError>("slice", "range ", begin, " .. ", end, " of dimension ", axis, " of ", in.shape());
  }
  const Shape shape = detail::with_size(in.shape(), at, end - begin);
  if (at == in.shape().rank() - 1) return tape.alias(x, {in.data() + begin, shape, in.row_stride()});
  // With leading dimensions folded into rows, x consists of `middle` groups of `inner` rows, `outer` times.
  const detail::RowBlocks blocks(in.shape(), at);
  if (blocks.outer == 1) return tape.alias(x, {in.row(begin * blocks.inner), shape, in.row_stride()});
  const auto y = tape.allocate(shape);
  const Index count = (end - begin) * blocks.inner;
  for (Index o = 0; o < blocks.outer; ++o) {
    const Index from = (o * blocks.middle + begin) * blocks.inner;
    kernels::copy_rows<Scalar>(in.rows(from, from + count), y.rows(o * count, (o + 1) * count));
  }
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    for (Index o = 0; o < blocks.outer; ++o) {
      const Index from = (o * blocks.middle + begin) * blocks.inner;
      kernels::add_rows<Scalar>(g.output().rows(o * count, (o + 1) * count), dx.rows(from, from + count));
    }
  });
}

}  // namespace heed::inline HEED_ABI
