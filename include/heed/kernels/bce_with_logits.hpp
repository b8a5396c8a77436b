// SPDX-License-Identifier: Apache-2.0
// Binary cross-entropy of logits, elementwise, in the form that neither overflows nor cancels.
#pragma once

#include "heed/core/config.hpp"
#include "heed/simd/math.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

namespace detail {

/// Returns log(1 + z) for z in [0, 1], accurate even where 1 + z rounds to 1: the rounding error of 1 + z is added back
/// as a first-order correction (Kahan).
template <class P>
[[gnu::always_inline]] inline P log_1p(P z) {
  const P one(1), w = one + z;
  return log(w) + (z - (w - one)) / w;
}

}  // namespace detail

/// Returns sum_i max(x, 0) - x t + log(1 + e^-|x|), x = logit[i], t = target[i] (in [0, 1]), which is
/// -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)); writes each term to `loss` unless that is null.
template <class Scalar, class Isa = simd::NativeIsa>
Scalar bce_with_logits_forward(Index size, const Scalar* logit, const Scalar* target, Scalar* loss) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P zero(Scalar(0));
  P total = zero;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    const P x = simd::load<P>(logit + i, n), t = simd::load<P>(target + i, n);
    const P term = max(zero, x) - x * t + detail::log_1p(exp_nonpositive(-abs(x)));
    total = total + keep_first(term, n, zero);
    if (loss != nullptr) simd::store(term, loss + i, n);
  });
  return reduce_sum(total);
}

/// dlogit[i] += g_i (sigmoid(x) - t) and dtarget[i] -= g_i x, with g_i = scale * dloss[i], or `scale` if dloss is null.
/// Either output may be null.
template <class Scalar, class Isa = simd::NativeIsa>
void bce_with_logits_backward(Index size, const Scalar* logit, const Scalar* target, const Scalar* dloss, Scalar scale,
                              Scalar* dlogit, Scalar* dtarget) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    const P x = simd::load<P>(logit + i, n);
    const P g = dloss == nullptr ? P(scale) : P(scale) * simd::load<P>(dloss + i, n);
    if (dlogit != nullptr) {
      const P slope = sigmoid(x) - simd::load<P>(target + i, n);
      simd::store(fma(g, slope, simd::load<P>(dlogit + i, n)), dlogit + i, n);
    }
    if (dtarget != nullptr) simd::store(fma(-g, x, simd::load<P>(dtarget + i, n)), dtarget + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
