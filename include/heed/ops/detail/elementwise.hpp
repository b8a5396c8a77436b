// SPDX-License-Identifier: Apache-2.0
// Shared by elementwise operations with one operand.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI::detail {

/// Elements begin .. end - 1. The pointers point to element `begin`; dy and dx are set in the backward pass only.
template <class Scalar>
struct Elements {
  Index begin, end;
  const Scalar* x;
  Scalar* y;
  const Scalar* dy = nullptr;
  Scalar* dx = nullptr;

  Index size() const { return end - begin; }
};

/// Returns y of x's shape: `forward(elements)` writes y, `backward(elements)` adds to dx, each for a range of elements.
template <class Scalar, class Forward, class Backward>
Var<Scalar> elementwise(Var<Scalar> x, const Forward& forward, const Backward& backward,
                        std::source_location where = std::source_location::current()) {
  Tape<Scalar>& tape = x.tape();
  const auto in = dense(tape, x);
  const auto y = tape.allocate(x.shape());
  tape.executor().run_ranges(y.size(), elementwise_grain, [&](Index begin, Index end, int) {
    forward(Elements<Scalar>{begin, end, in.data() + begin, y.data() + begin});
  });
  const auto add_gradients = [=](const Gradients<Scalar>& g) {
    add_dense(g.tape(), g(x), [&](Scalar* out) {
      g.tape().executor().run_ranges(y.size(), elementwise_grain, [&](Index begin, Index end, int) {
        backward(
            Elements<Scalar>{begin, end, in.data() + begin, y.data() + begin, g.output().data() + begin, out + begin});
      });
    });
  };
  return record(tape, {x}, y, add_gradients, where);
}

}  // namespace heed::inline HEED_ABI::detail
