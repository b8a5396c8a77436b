// SPDX-License-Identifier: Apache-2.0
// Stochastic gradient descent for an array, in one pass over memory.
#pragma once

#include "heed/core/config.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// g += weight_decay p; b = momentum b + g; p -= learning_rate d; g = 0, where the direction d is b, or g + momentum b
/// with `nesterov`. Without momentum `buffer` is null and d = g.
template <class Scalar, class Isa = simd::NativeIsa>
void sgd(Scalar learning_rate, Scalar momentum, bool nesterov, Scalar weight_decay, Index size, Scalar* value,
         Scalar* gradient, Scalar* buffer) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    const P p = simd::load<P>(value + i, n);
    const P g = fma(P(weight_decay), p, simd::load<P>(gradient + i, n));
    P direction = g;
    if (buffer != nullptr) {
      const P b = fma(P(momentum), simd::load<P>(buffer + i, n), g);
      direction = nesterov ? fma(P(momentum), b, g) : b;
      simd::store(b, buffer + i, n);
    }
    simd::store(p - P(learning_rate) * direction, value + i, n);
    simd::store(P(Scalar(0)), gradient + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
