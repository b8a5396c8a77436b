// SPDX-License-Identifier: Apache-2.0
// Concatenation of arrays.
#pragma once

#include <initializer_list>
#include <span>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/ops/detail/axis.hpp"

namespace heed::inline HEED_ABI {

namespace detail {

/// Calls `part(ours, theirs)` for each block of each input: the block in the output, and the same block in the input.
/// Skips inputs for which `input` returns an empty view.
template <class Scalar, class Whole, class Input, class Part>
void for_concat_parts(Whole y, std::span<const Var<Scalar>> inputs, int axis, const Input& input, const Part& part) {
  const bool last = axis == y.shape().rank() - 1;
  Index at = 0;
  for (const Var<Scalar>& x : inputs) {
    const auto view = input(x);
    const Index size = x.shape()[axis];
    if (last) {
      if (view) part(y.columns(at, at + size), view);
    } else if (view) {
      const RowBlocks all(y.shape(), axis);
      const Index count = size * all.inner;
      for (Index o = 0; o < all.outer; ++o) {
        const Index from = (o * all.middle + at) * all.inner;
        part(y.rows(from, from + count), view.rows(o * count, (o + 1) * count));
      }
    }
    at += size;
  }
}

}  // namespace detail

/// Concatenates arrays along dimension `axis` (negative: from the end); all other sizes must be equal. Throws
/// ShapeError if they are not or there is no array, IndexError for a dimension out of range.
template <class Scalar>
Var<Scalar> concat(std::span<const Var<Scalar>> inputs, int axis) {
  if (inputs.empty()) fail<ShapeError>("concat", "wanted at least one array");
  Tape<Scalar>& tape = inputs[0].tape();
  const Shape& first = inputs[0].shape();
  const int at = detail::checked_axis("concat", first, axis);
  Index size = 0;
  for (const Var<Scalar>& x : inputs) {
    if (&tape_of("concat", x, inputs[0]) != &tape || x.shape().rank() != first.rank() ||
        detail::with_size(x.shape(), at, first[at]) != first) {
      fail<ShapeError>("concat", x.shape(), " and ", first, " differ in more than dimension ", axis);
    }
    size += x.shape()[at];
  }
  const auto y = tape.allocate(detail::with_size(first, at, size));
  detail::for_concat_parts(
      y, inputs, at, [](Var<Scalar> x) { return x.value(); },
      [](TensorView<Scalar> ours, TensorView<const Scalar> theirs) { kernels::copy_rows<Scalar>(theirs, ours); });
  const Var<Scalar>* kept = tape.keep(inputs);
  const std::size_t count = inputs.size();
  return tape.record(inputs, y, [=](const Gradients<Scalar>& g) {
    detail::for_concat_parts(
        g.output(), std::span<const Var<Scalar>>(kept, count), at, [&](Var<Scalar> x) { return g(x); },
        [](TensorView<const Scalar> ours, TensorView<Scalar> theirs) { kernels::add_rows<Scalar>(ours, theirs); });
  });
}
template <class Scalar>
Var<Scalar> concat(std::initializer_list<Var<Scalar>> inputs, int axis) {
  return concat(std::span<const Var<Scalar>>(inputs.begin(), inputs.size()), axis);
}

}  // namespace heed::inline HEED_ABI
