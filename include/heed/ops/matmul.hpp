// SPDX-License-Identifier: Apache-2.0
// The matrix product.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/ops/detail/product.hpp"

namespace heed::inline HEED_ABI {

/// Returns a [.., M, K] times b [K, N] -> [.., M, N] (also a [K] -> [N]), or a [B, M, K] times b [B, K, N] ->
/// [B, M, N]. Throws ShapeError when the sizes do not match.
template <class Scalar>
Var<Scalar> matmul(Var<Scalar> a, Var<Scalar> b) {
  Tape<Scalar>& tape = tape_of("matmul", a, b);
  const Shape &sa = a.shape(), &sb = b.shape();
  const bool batched = sb.rank() == 3 && sa.rank() == 3 && sa[0] == sb[0];
  if (sa.rank() == 0 || (sb.rank() != 2 && !batched) || sa[-1] != sb[-2]) {
    fail<ShapeError>("matmul", "wanted [.., M, K] times [K, N] or [B, M, K] times [B, K, N], got ", sa, " times ", sb);
  }
  // The batch folds into rows, so matrix i is a range of rows of each array.
  const Index count = batched ? sb[0] : 1, depth = sb[-2];
  const auto y = tape.allocate(sa.with_cols(sb[-1]));
  const Index rows = count == 0 ? 0 : y.rows() / count;
  const TensorView<const Scalar> va = a.value(), vb = b.value();
  for (Index i = 0; i < count; ++i) {
    detail::product<Scalar>(tape, va.rows(i * rows, (i + 1) * rows), vb.rows(i * depth, (i + 1) * depth),
                            y.rows(i * rows, (i + 1) * rows));
  }
  return record(tape, {a, b}, y, [=](const Gradients<Scalar>& g) {
    const auto da = g(a), db = g(b);
    for (Index i = 0; i < count; ++i) {
      const auto dy = g.output().rows(i * rows, (i + 1) * rows);
      if (da) {
        detail::product_nt<Scalar>(g.tape(), dy, vb.rows(i * depth, (i + 1) * depth), da.rows(i * rows, (i + 1) * rows),
                                   {.accumulate = true});
      }
      if (db) {
        detail::add_product_tn<Scalar>(g.tape(), va.rows(i * rows, (i + 1) * rows), dy,
                                       db.rows(i * depth, (i + 1) * depth));
      }
    }
  });
}

}  // namespace heed::inline HEED_ABI
