// SPDX-License-Identifier: Apache-2.0
// Elementwise arithmetic with broadcasting, shared by add, subtract, multiply and divide.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/broadcast.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI::detail {

/// Returns the shape that a and b are broadcast to. Throws ShapeError naming `operation`.
inline Shape broadcast_shape(std::string_view operation, const Shape& a, const Shape& b) {
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  Shape out;
  for (int back = rank; back >= 1; --back) {
    const Index in_a = back <= a.rank() ? a[-back] : 1, in_b = back <= b.rank() ? b[-back] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      fail<ShapeError>(operation, "shapes ", a, " and ", b, " cannot be broadcast together");
    }
    out.push_back(in_a == 1 ? in_b : in_a);
  }
  return out;
}

/// Returns a (kind) b, elementwise with broadcasting.
template <class Scalar>
Var<Scalar> arithmetic(std::string_view operation, kernels::Arithmetic kind, Var<Scalar> a, Var<Scalar> b,
                       std::source_location where = std::source_location::current()) {
  Tape<Scalar>& tape = tape_of(operation, a, b);
  const Shape shape = broadcast_shape(operation, a.shape(), b.shape());
  const TensorView<const Scalar> va = dense(tape, a), vb = dense(tape, b);
  const auto y = tape.allocate(shape);
  const kernels::Broadcast plan = kernels::make_broadcast(shape, va.shape(), vb.shape());
  tape.executor().run_ranges(y.size(), elementwise_grain, [&](Index begin, Index end, int) {
    kernels::broadcast_forward(kind, plan, begin, end, va.data(), vb.data(), y.data());
  });
  const auto add_gradients = [=](const Gradients<Scalar>& g) {
    const Scalar* dy = g.output().data();
    for (const int operand : {0, 1}) {
      const TensorView<Scalar> gradient = g(operand == 0 ? a : b);
      if (!gradient) continue;
      add_dense(g.tape(), gradient, [&](Scalar* d) {
        if (plan.repeats(operand)) {
          kernels::broadcast_backward_sum(kind, operand, plan, va.data(), vb.data(), dy, d);
          return;
        }
        g.tape().executor().run_ranges(y.size(), elementwise_grain, [&](Index begin, Index end, int) {
          kernels::broadcast_backward(kind, operand, plan, begin, end, va.data(), vb.data(), dy, d);
        });
      });
    }
  };
  return record(tape, {a, b}, y, add_gradients, where);
}

}  // namespace heed::inline HEED_ABI::detail
