// SPDX-License-Identifier: Apache-2.0
// Adam and AdamW for an array: all state of an element is updated in one pass over memory.
#pragma once

#include <cmath>

#include "heed/core/config.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// The constants of one step, shared by all elements.
template <class Scalar>
struct AdamStep {
  Scalar keep;       ///< 1 - learning_rate * decoupled decay; multiplies the value first (AdamW)
  Scalar decay;      ///< this times the value is added to the gradient (Adam's weight decay)
  Scalar new_first;  ///< 1 - beta1
  Scalar beta2;
  Scalar new_second;  ///< 1 - beta2
  Scalar rate;        ///< learning_rate / (1 - beta1^t)
  Scalar root_scale;  ///< 1 / sqrt(1 - beta2^t)
  Scalar epsilon;

  /// Step `t` = 1, 2, .. The weight decay is coupled unless `decoupled`.
  AdamStep(double learning_rate, double beta1, double beta_2, double eps, double weight_decay, bool decoupled, double t)
      : keep(static_cast<Scalar>(decoupled ? 1 - learning_rate * weight_decay : 1)),
        decay(static_cast<Scalar>(decoupled ? 0 : weight_decay)),
        new_first(static_cast<Scalar>(1 - beta1)),
        beta2(static_cast<Scalar>(beta_2)),
        new_second(static_cast<Scalar>(1 - beta_2)),
        rate(static_cast<Scalar>(learning_rate / (1 - std::pow(beta1, t)))),
        root_scale(static_cast<Scalar>(1 / std::sqrt(1 - std::pow(beta_2, t)))),
        epsilon(static_cast<Scalar>(eps)) {}
};

namespace detail {

/// Performs one step for the elements of a register. All callers get the same rounding: every product and sum that a
/// compiler could contract is an fma here.
template <class P, class Scalar>
[[gnu::always_inline]] inline void adam_step(const AdamStep<Scalar>& step, P gradient, P& p, P& m, P& v) {
  const P g = fma(P(step.decay), p, gradient);
  m = fma(P(step.new_first), g - m, m);
  v = fma(P(step.new_second) * g, g, P(step.beta2) * v);
  p = fma(P(-step.rate), m / fma(sqrt(v), P(step.root_scale), P(step.epsilon)), P(step.keep) * p);
}

}  // namespace detail

/// p *= keep; g += decay p; m += (1 - beta1) (g - m); v = beta2 v + (1 - beta2) g^2;
/// p -= rate m / (root_scale sqrt(v) + epsilon); g = 0 (Kingma and Ba 2015; Loshchilov and Hutter 2019). Epsilon is
/// added where PyTorch adds it.
template <class Scalar, class Isa = simd::NativeIsa>
void adam(const AdamStep<Scalar>& step, Index size, Scalar* value, Scalar* gradient, Scalar* first,
          Scalar* second) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    P p = simd::load<P>(value + i, n), m = simd::load<P>(first + i, n), v = simd::load<P>(second + i, n);
    detail::adam_step(step, simd::load<P>(gradient + i, n), p, m, v);
    simd::store(p, value + i, n);
    simd::store(m, first + i, n);
    simd::store(v, second + i, n);
    simd::store(P(Scalar(0)), gradient + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
