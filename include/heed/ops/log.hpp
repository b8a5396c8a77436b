// SPDX-License-Identifier: Apache-2.0
// ln x, elementwise.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/log.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct log {
  static constexpr const char* name = "log";
};
}  // namespace op

/// y = ln x, of x's shape. 0 gives -infinity, less than 0 gives NaN.
template <class Scalar>
Var<Scalar> log(Var<Scalar> x) {
  Tape<Scalar>& tape = x.tape();
  const auto in = detail::dense(tape, x);
  const auto y = tape.allocate(x.shape());
  tape.executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
    kernels::log_forward(end - begin, in.data() + begin, y.data() + begin);
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    if (!dx) return;
    detail::add_dense(g.tape(), dx, [&](Scalar* out) {
      g.tape().executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
        kernels::log_backward<Scalar>(end - begin, in.data() + begin, g.output().data() + begin, out + begin);
      });
    });
  });
}

}  // namespace heed::inline HEED_ABI
