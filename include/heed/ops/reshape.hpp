// SPDX-License-Identifier: Apache-2.0
// The same elements in another shape.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"

namespace heed::inline HEED_ABI {

/// Returns x in another shape of the same size, in row-major order. Copies only if x is a slice with gaps between its
/// rows and the length of its rows changes. Throws ShapeError when the sizes differ.
template <class Scalar>
Var<Scalar> reshape(Var<Scalar> x, const Shape& shape) {
  Tape<Scalar>& tape = x.tape();
  const auto in = x.value();
  if (shape.size() != in.size()) {
    fail<ShapeError>("reshape", in.shape(), " does not have the size of ", shape);
  }
  if (in.contiguous()) return tape.alias(x, {in.data(), shape});
  if (shape.cols() == in.cols()) return tape.alias(x, {in.data(), shape, in.row_stride()});
  const auto y = tape.allocate(shape);
  kernels::copy_rows<Scalar>(in, {y.data(), {in.rows(), in.cols()}});
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    if (const auto dx = g(x)) kernels::add_rows<Scalar>({g.output().data(), {dx.rows(), dx.cols()}}, dx);
  });
}

}  // namespace heed::inline HEED_ABI
