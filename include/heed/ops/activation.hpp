// SPDX-License-Identifier: Apache-2.0
// Elementwise non-linearities.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/activation.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct activation {
  static constexpr const char* name = "activation";
};
}  // namespace op

/// y = activation(x), of x's shape.
template <class Scalar>
Var<Scalar> activation(Var<Scalar> x, Activation kind) {
  Tape<Scalar>& tape = x.tape();
  if (kind == Activation::identity) return x;
  const auto in = detail::dense(tape, x);
  const auto y = tape.allocate(x.shape());
  tape.executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
    kernels::activation_forward(kind, end - begin, in.data() + begin, y.data() + begin);
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    if (!dx) return;
    detail::add_dense(g.tape(), dx, [&](Scalar* out) {
      g.tape().executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
        kernels::activation_backward<Scalar>(kind, end - begin, in.data() + begin, y.data() + begin,
                                             g.output().data() + begin, out + begin);
      });
    });
  });
}

template <class Scalar>
Var<Scalar> relu(Var<Scalar> x) {
  return activation(x, Activation::relu);
}
template <class Scalar>
Var<Scalar> sigmoid(Var<Scalar> x) {
  return activation(x, Activation::sigmoid);
}
template <class Scalar>
Var<Scalar> tanh(Var<Scalar> x) {
  return activation(x, Activation::tanh);
}
template <class Scalar>
Var<Scalar> silu(Var<Scalar> x) {
  return activation(x, Activation::silu);
}
/// By the error function; `gelu_tanh` is the usual approximation.
template <class Scalar>
Var<Scalar> gelu(Var<Scalar> x) {
  return activation(x, Activation::gelu);
}
template <class Scalar>
Var<Scalar> gelu_tanh(Var<Scalar> x) {
  return activation(x, Activation::gelu_tanh);
}

}  // namespace heed::inline HEED_ABI
