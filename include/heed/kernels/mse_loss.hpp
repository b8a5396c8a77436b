// SPDX-License-Identifier: Apache-2.0
// Squared error, elementwise.
#pragma once

#include "heed/core/config.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Returns sum_i (prediction[i] - target[i])^2; writes each term to `loss` unless that is null.
template <class Scalar, class Isa = simd::NativeIsa>
Scalar mse_loss_forward(Index size, const Scalar* prediction, const Scalar* target, Scalar* loss) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  P total(Scalar(0));
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    const P error = simd::load<P>(prediction + i, n) - simd::load<P>(target + i, n);
    total = fma(error, error, total);
    if (loss != nullptr) simd::store(error * error, loss + i, n);
  });
  return reduce_sum(total);
}

/// dx[i] += g_i 2 (x[i] - other[i]) with g_i = scale * dloss[i], or `scale` if dloss is null. The error is symmetric: x
/// is the prediction and `other` the target, or vice versa.
template <class Scalar, class Isa = simd::NativeIsa>
void mse_loss_backward(Index size, const Scalar* x, const Scalar* other, const Scalar* dloss, Scalar scale,
                       Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P twice(Scalar(2) * scale);
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    const P g = dloss == nullptr ? twice : twice * simd::load<P>(dloss + i, n);
    const P error = simd::load<P>(x + i, n) - simd::load<P>(other + i, n);
    simd::store(fma(g, error, simd::load<P>(dx + i, n)), dx + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
