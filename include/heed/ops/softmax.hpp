// SPDX-License-Identifier: Apache-2.0
// Softmax over the last dimension, with a mask, or over segments.
#pragma once

#include "heed/ops/detail/reduce.hpp"
#include "heed/ops/detail/softmax.hpp"

namespace heed::inline HEED_ABI {

/// Returns y_j = e^x_j / sum_k e^x_k over the last dimension. With a mask, x is [.., queries, keys]; of three or more
/// dimensions, the first is the sequences. Hidden elements get 0 and have no influence, whatever their value; a fully
/// hidden row gets zeros and gradient 0. Throws ShapeError for a scalar or a mask that does not match.
template <class Scalar>
Var<Scalar> softmax(Var<Scalar> x, const Mask& mask = {}) {
  return detail::softmax_rows("softmax", x, mask, false);
}
/// Softmax over each segment's tokens: x [tokens, ..] -> the same shape. Throws ShapeError if the token count differs.
template <class Scalar>
Var<Scalar> softmax(Var<Scalar> x, const Segments& segments) {
  Tape<Scalar>& tape = x.tape();
  const detail::Groups groups = detail::over_segments("softmax", x, segments);
  const auto y = tape.allocate(x.shape());
  const auto in = detail::as_rows(TensorView<const Scalar>(detail::dense(tape, x)), groups);
  const auto out = detail::as_rows(y, groups);
  const Index grain = groups.grain(y.size());
  tape.executor().run_ranges(groups.outputs(), grain, [&](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) kernels::softmax_columns<Scalar>(groups.group(in, r), groups.group(out, r));
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = detail::as_rows(g(x), groups);
    const auto dy = detail::as_rows(g.output(), groups);
    g.tape().executor().run_ranges(groups.outputs(), grain, [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) {
        kernels::softmax_columns_backward<Scalar>(groups.group(out, r), groups.group(dy, r), groups.group(dx, r));
      }
    });
  });
}

}  // namespace heed::inline HEED_ABI
