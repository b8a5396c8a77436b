// SPDX-License-Identifier: Apache-2.0
// Elementwise activation functions, alone and as the epilogue of a matrix product.
#pragma once

#include <cstdint>

#include "heed/core/config.hpp"
#include "heed/core/options.hpp"
#include "heed/simd/math.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI {

/// relu max(x, 0); sigmoid 1/(1 + e^-x); tanh; silu x sigmoid(x); gelu x/2 erfc(-x/sqrt 2); gelu_tanh its approximation
/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016).
enum class Activation : std::uint8_t { identity, relu, sigmoid, tanh, silu, gelu, gelu_tanh };
constexpr auto names(Activation) {
  return enum_names("identity", "relu", "sigmoid", "tanh", "silu", "gelu", "gelu_tanh");
}

/// Returns true if the derivative follows from the output alone, so that the input need not be kept.
constexpr bool derivative_from_output(Activation a) {
  return a == Activation::identity || a == Activation::relu || a == Activation::sigmoid || a == Activation::tanh;
}

namespace kernels {

/// Returns activation(x) for one register.
template <class P>
[[gnu::always_inline]] inline P activate(Activation activation, P x) {
  using Scalar = std::remove_cvref_t<decltype(x.v[0])>;
  const P zero(Scalar(0));
  switch (activation) {
    case Activation::relu:
      return select(zero > x, zero, x);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::silu:
      return x * sigmoid(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      // (1 + tanh u) / 2 = sigmoid(2 u), which does not cancel for u far below 0.
      return x * sigmoid(P(Scalar(1.59576912160573071176)) * fma(P(Scalar(0.044715)) * x * x, x, x));
    case Activation::identity:
      break;
  }
  return x;
}

/// Returns d activation / dx, from the output y or, where the output does not suffice, from the input x.
template <class P>
[[gnu::always_inline]] inline P activation_slope(Activation activation, P x, P y) {
  using Scalar = std::remove_cvref_t<decltype(x.v[0])>;
  const P zero(Scalar(0)), one(Scalar(1));
  switch (activation) {
    case Activation::relu:
      return select(y > zero, one, zero);
    case Activation::sigmoid:
      return y * (one - y);
    case Activation::tanh:
      return one - y * y;
    case Activation::silu: {
      const P s = sigmoid(x);
      return s * (one + x * (one - s));
    }
    case Activation::gelu:
      return gelu_slope(x);
    case Activation::gelu_tanh: {
      const P c(Scalar(1.59576912160573071176)), cube(Scalar(0.044715));
      const P s = sigmoid(c * fma(cube * x * x, x, x));
      const P inner = c * fma(P(Scalar(3)) * cube, x * x, one);
      return s * fma(x * (one - s), inner, one);
    }
    case Activation::identity:
      break;
  }
  return one;
}

/// y[i] = activation(x[i]); x and y may be the same array.
template <class Scalar, class Isa = simd::NativeIsa>
void activation_forward(Activation activation, Index size, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(
      size, [&](Index i, Index n) { simd::store(activate(activation, simd::load<P>(x + i, n)), y + i, n); });
}

/// dx[i] += dy[i] * slope. `x` may be null if `derivative_from_output(activation)`.
template <class Scalar, class Isa = simd::NativeIsa>
void activation_backward(Activation activation, Index size, const Scalar* x, const Scalar* y, const Scalar* dy,
                         Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  if (x == nullptr) x = y;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    const P slope = activation_slope(activation, simd::load<P>(x + i, n), simd::load<P>(y + i, n));
    simd::store(fma(simd::load<P>(dy + i, n), slope, simd::load<P>(dx + i, n)), dx + i, n);
  });
}

/// dx[i] = factor dy[i] where y[i] > 0, else 0.
template <class Scalar, class Isa = simd::NativeIsa>
void relu_gradient(Index size, const Scalar* y, const Scalar* dy, Scalar factor, Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P zero(Scalar(0));
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    simd::store(select(simd::load<P>(y + i, n) > zero, simd::load<P>(dy + i, n) * P(factor), zero), dx + i, n);
  });
}

}  // namespace kernels
}  // namespace heed::inline HEED_ABI
