// SPDX-License-Identifier: Apache-2.0
// Exchanges rows and columns.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/kernels/gemm.hpp"

namespace heed::inline HEED_ABI {

/// Returns the transpose: x [M, N] -> [N, M], or x [B, M, N] -> [B, N, M]; a copy. Throws ShapeError for other ranks.
template <class Scalar>
Var<Scalar> transpose(Var<Scalar> x) {
  Tape<Scalar>& tape = x.tape();
  const Shape& shape = x.shape();
  if (shape.rank() != 2 && shape.rank() != 3) {
    fail<ShapeError>("transpose", "wanted [M, N] or [B, M, N], got ", shape);
  }
  const Index rows = shape[-2], cols = shape[-1], count = shape.rank() == 3 ? shape[0] : 1;
  const auto y = tape.allocate(shape.rank() == 3 ? Shape{count, cols, rows} : Shape{cols, rows});
  const auto in = x.value();
  for (Index i = 0; i < count; ++i) {
    kernels::transpose<Scalar>(in.rows(i * rows, (i + 1) * rows), y.rows(i * cols, (i + 1) * cols));
  }
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    ArenaScope scope(g.tape().scratch());
    const auto turned = g.tape().scratch().template tensor<Scalar>({rows, cols});
    for (Index i = 0; i < count; ++i) {
      kernels::transpose<Scalar>(g.output().rows(i * cols, (i + 1) * cols), turned);
      kernels::add_rows<Scalar>(turned, dx.rows(i * rows, (i + 1) * rows));
    }
  });
}

}  // namespace heed::inline HEED_ABI
