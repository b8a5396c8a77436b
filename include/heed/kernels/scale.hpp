// SPDX-License-Identifier: Apache-2.0
// y = factor x + offset, and y += factor x.
#pragma once

#include "heed/core/config.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

template <class Scalar, class Isa = simd::NativeIsa>
void scale_forward(Index size, const Scalar* x, Scalar factor, Scalar offset, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(
      size, [&](Index i, Index n) { simd::store(simd::load<P>(x + i, n) * P(factor) + P(offset), y + i, n); });
}

/// y[i] += factor x[i]: the backward pass of `scale_forward`, and of additions.
template <class Scalar, class Isa = simd::NativeIsa>
void add_scaled(Index size, const Scalar* x, Scalar factor, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    simd::store(fma(simd::load<P>(x + i, n), P(factor), simd::load<P>(y + i, n)), y + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
