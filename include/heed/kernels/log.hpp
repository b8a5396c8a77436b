// SPDX-License-Identifier: Apache-2.0
// y = ln x.
#pragma once

#include "heed/core/config.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

template <class Scalar, class Isa = simd::NativeIsa>
void log_forward(Index size, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) { simd::store(log(simd::load<P>(x + i, n)), y + i, n); });
}

/// dx[i] += dy[i] / x[i]
template <class Scalar, class Isa = simd::NativeIsa>
void log_backward(Index size, const Scalar* x, const Scalar* dy, Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index i, Index n) {
    simd::store(simd::load<P>(dx + i, n) + simd::load<P>(dy + i, n) / simd::load<P>(x + i, n), dx + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
