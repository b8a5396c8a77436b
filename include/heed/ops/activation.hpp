// SPDX-License-Identifier: Apache-2.0
// Elementwise activation functions.
#pragma once

#include "heed/kernels/activation.hpp"
#include "heed/ops/detail/elementwise.hpp"

namespace heed::inline HEED_ABI {

/// Returns activation(x), elementwise.
template <class Scalar>
Var<Scalar> activation(Var<Scalar> x, Activation kind) {
  if (kind == Activation::identity) return x;
  return detail::elementwise(
      x, [=](const auto& e) { kernels::activation_forward(kind, e.size(), e.x, e.y); },
      [=](const auto& e) { kernels::activation_backward<Scalar>(kind, e.size(), e.x, e.y, e.dy, e.dx); });
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
/// The exact GELU, by the error function; `gelu_tanh` is its tanh approximation.
template <class Scalar>
Var<Scalar> gelu(Var<Scalar> x) {
  return activation(x, Activation::gelu);
}
template <class Scalar>
Var<Scalar> gelu_tanh(Var<Scalar> x) {
  return activation(x, Activation::gelu_tanh);
}

}  // namespace heed::inline HEED_ABI
