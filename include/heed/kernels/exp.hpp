// SPDX-License-Identifier: Apache-2.0
// y = e^x.
#pragma once

#include "heed/core/config.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

template <class Scalar, class Isa = simd::NativeIsa>
void exp_forward(Index size, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) { simd::store(exp(simd::load<P>(x + i, n)), y + i, n); });
}

/// dx[i] += dy[i] y[i]
template <class Scalar, class Isa = simd::NativeIsa>
void exp_backward(Index size, const Scalar* y, const Scalar* dy, Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    simd::store(fma(simd::load<P>(dy + i, n), simd::load<P>(y + i, n), simd::load<P>(dx + i, n)), dx + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
