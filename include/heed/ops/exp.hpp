// SPDX-License-Identifier: Apache-2.0
// e^x, elementwise.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/exp.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct exp {
  static constexpr const char* name = "exp";
};
}  // namespace op

/// y = e^x, of x's shape.
template <class Scalar>
Var<Scalar> exp(Var<Scalar> x) {
  Tape<Scalar>& tape = x.tape();
  const auto in = detail::dense(tape, x);
  const auto y = tape.allocate(x.shape());
  tape.executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
    kernels::exp_forward(end - begin, in.data() + begin, y.data() + begin);
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    if (!dx) return;
    detail::add_dense(g.tape(), dx, [&](Scalar* out) {
      g.tape().executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
        kernels::exp_backward<Scalar>(end - begin, y.data() + begin, g.output().data() + begin, out + begin);
      });
    });
  });
}

}  // namespace heed::inline HEED_ABI
