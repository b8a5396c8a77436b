// SPDX-License-Identifier: Apache-2.0
// Contiguous operands and chunk sizes, shared by elementwise operations.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"

namespace heed::inline HEED_ABI::detail {

/// Elements per chunk of an elementwise operation: enough work for a thread, but little compared with a layer.
inline constexpr Index elementwise_grain = 16384;
/// Rows per chunk of a row-wise operation or a matrix product.
inline constexpr Index row_grain = 96;

/// Returns x's value as a contiguous array: itself, or a copy on the tape if x is a slice with gaps between its rows.
template <class Scalar>
TensorView<const Scalar> dense(Tape<Scalar>& tape, Var<Scalar> x) {
  const TensorView<const Scalar> view = x.value();
  if (view.contiguous()) return view;
  const auto copy = tape.allocate(view.shape());
  kernels::copy_rows<Scalar>(view, copy);
  return copy;
}

/// Calls `add(out)`, which adds a gradient of dx's size to contiguous memory: to dx itself or, if dx has gaps between
/// its rows, to a zeroed scratch buffer that is then added to dx.
template <class Scalar, class Add>
void add_dense(Tape<Scalar>& tape, TensorView<Scalar> dx, const Add& add) {
  if (dx.contiguous()) return add(dx.data());
  ArenaScope scope(tape.scratch());
  const auto out = tape.scratch().template tensor<Scalar>(dx.shape());
  std::fill_n(out.data(), out.size(), Scalar(0));
  add(out.data());
  kernels::add_rows<Scalar>(out, dx);
}

}  // namespace heed::inline HEED_ABI::detail
