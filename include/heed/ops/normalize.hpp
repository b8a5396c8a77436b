// SPDX-License-Identifier: Apache-2.0
// Normalises rows to length 1.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/normalize.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

/// Returns x / max(|x|, epsilon) for each row of x [.., features], where |x| is the row's Euclidean norm: dot products
/// of the results are cosines. As torch.nn.functional.normalize over the last dimension. Throws ShapeError for a
/// scalar, OptionError for epsilon <= 0.
template <class Scalar>
Var<Scalar> normalize(Var<Scalar> x, double epsilon = 1e-12) {
  Tape<Scalar>& tape = x.tape();
  if (x.shape().rank() == 0) fail<ShapeError>("normalize", "a scalar has no rows");
  if (!(epsilon > 0)) fail<OptionError>("normalize", "epsilon ", epsilon, " is not positive");
  const Index rows = x.rows();
  const Scalar least = static_cast<Scalar>(epsilon);
  const auto y = tape.allocate(x.shape());
  const auto norm = tape.allocate({rows});
  const auto in = x.value().matrix();
  tape.executor().run_ranges(rows, detail::row_grain, [&](Index begin, Index end, int) {
    kernels::normalize_forward<Scalar>(in.rows(begin, end), least, norm.data() + begin, y.matrix().rows(begin, end));
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x).matrix();
    const auto dy = g.output().matrix();
    g.tape().executor().run_ranges(rows, detail::row_grain, [&](Index begin, Index end, int) {
      kernels::normalize_backward<Scalar>(y.matrix().rows(begin, end), least, norm.data() + begin, dy.rows(begin, end),
                                          dx.rows(begin, end));
    });
  });
}

}  // namespace heed::inline HEED_ABI
