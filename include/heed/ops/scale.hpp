// SPDX-License-Identifier: Apache-2.0
// factor x + offset, with plain numbers.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct scale {
  static constexpr const char* name = "scale";
};
}  // namespace op

/// y = factor x + offset, of x's shape.
template <class Scalar>
Var<Scalar> scale(Var<Scalar> x, double factor, double offset = 0) {
  Tape<Scalar>& tape = x.tape();
  const auto a = static_cast<Scalar>(factor), b = static_cast<Scalar>(offset);
  const auto in = detail::dense(tape, x);
  const auto y = tape.allocate(x.shape());
  tape.executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
    kernels::scale_forward(end - begin, in.data() + begin, a, b, y.data() + begin);
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    if (!dx) return;
    detail::add_dense(g.tape(), dx, [&](Scalar* out) {
      g.tape().executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
        kernels::add_scaled(end - begin, g.output().data() + begin, a, out + begin);
      });
    });
  });
}

}  // namespace heed::inline HEED_ABI
