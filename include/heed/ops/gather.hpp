// SPDX-License-Identifier: Apache-2.0
// Gathers rows by index.
#pragma once

#include <span>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/embedding.hpp"
#include "heed/ops/detail/axis.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

/// Returns y[i] = x[indices[i]]: x [n, ..] -> [indices, ..]; an index of -1 gives zeros. The indices are copied. If a
/// row is gathered several times, its gradients are added in the order of the indices. Throws IndexError, with the
/// position, for an index outside -1 .. n - 1, ShapeError for a scalar.
template <class Scalar>
Var<Scalar> gather(Var<Scalar> x, std::span<const Index> indices) {
  Tape<Scalar>& tape = x.tape();
  if (x.shape().rank() == 0) fail<ShapeError>("gather", "a scalar has no rows");
  const Index size = x.shape()[0], count = static_cast<Index>(indices.size());
  for (Index i = 0; i < count; ++i) {
    const Index index = indices[static_cast<std::size_t>(i)];
    if (index < -1 || index >= size) {
      fail<IndexError>("gather", "index ", index, " at position ", i, " is outside of -1 .. ", size - 1);
    }
  }
  // One row per index: a row of x if x has two dimensions, else all elements of x[i].
  const Index width = detail::without(x.shape(), 0).size();
  const bool rows = x.shape().rank() == 2;
  if (rows) x.prepare(indices);
  const auto in = rows ? x.prepared() : TensorView<const Scalar>(detail::dense(tape, x).data(), {size, width});
  const auto y = tape.allocate(detail::with_size(x.shape(), 0, count));
  const TensorView<Scalar> flat(y.data(), {count, width});
  const Index* kept = tape.keep(indices);
  tape.executor().run_ranges(count, detail::row_grain, [&](Index begin, Index end, int) {
    kernels::embedding_forward<Scalar>(in, kept + begin, flat.rows(begin, end));
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    const TensorView<const Scalar> dy(g.output().data(), {count, width});
    const auto add = [&](TensorView<Scalar> to) {
      constexpr Index columns = 32;  // two cache lines of floats; one would read the indices twice as often
      g.tape().executor().run_ranges(width, columns, [&](Index begin, Index end, int) {
        kernels::embedding_backward<Scalar>(dy.columns(begin, end), kept, to.columns(begin, end));
      });
    };
    if (rows) {
      add(dx);
    } else {
      detail::add_dense(g.tape(), dx, [&](Scalar* out) { add({out, {size, width}}); });
    }
  });
}
template <class Scalar>
Var<Scalar> gather(Var<Scalar> x, std::initializer_list<Index> indices) {
  return gather(x, std::span<const Index>(indices.begin(), indices.size()));
}

}  // namespace heed::inline HEED_ABI
