// SPDX-License-Identifier: Apache-2.0
// AVX-512: fused multiply-add, square root, masked loads and stores.
// Some operations use the masked intrinsic with all lanes, because GCC 12 warns inside the plain one (GCC bug 105593).
#pragma once

#include <immintrin.h>

#include "heed/simd/arch/generic.hpp"

namespace heed::inline HEED_ABI::simd {

template <>
struct Arch<float, Avx512> : GenericArch<float, Avx512> {
  using GenericArch::load;
  using GenericArch::store;
  static __mmask16 first(Index n) { return static_cast<__mmask16>((1u << n) - 1u); }
  [[gnu::always_inline]] static Vector load(const float* p, Index n) { return _mm512_maskz_loadu_ps(first(n), p); }
  [[gnu::always_inline]] static void store(float* p, Vector v, Index n) { _mm512_mask_storeu_ps(p, first(n), v); }
  [[gnu::always_inline]] static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  [[gnu::always_inline]] static Vector sqrt(Vector a) { return _mm512_maskz_sqrt_ps(first(width), a); }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) { return _mm512_maskz_max_ps(first(width), a, b); }
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) { return _mm512_maskz_min_ps(first(width), a, b); }
  static constexpr bool scales = true;
  [[gnu::always_inline]] static Vector scale(Vector a, Vector n) { return _mm512_maskz_scalef_ps(first(width), a, n); }
};

template <>
struct Arch<double, Avx512> : GenericArch<double, Avx512> {
  using GenericArch::load;
  using GenericArch::store;
  static __mmask8 first(Index n) { return static_cast<__mmask8>((1u << n) - 1u); }
  [[gnu::always_inline]] static Vector load(const double* p, Index n) { return _mm512_maskz_loadu_pd(first(n), p); }
  [[gnu::always_inline]] static void store(double* p, Vector v, Index n) { _mm512_mask_storeu_pd(p, first(n), v); }
  [[gnu::always_inline]] static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_pd(a, b, c); }
  [[gnu::always_inline]] static Vector sqrt(Vector a) { return _mm512_maskz_sqrt_pd(first(width), a); }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) { return _mm512_maskz_max_pd(first(width), a, b); }
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) { return _mm512_maskz_min_pd(first(width), a, b); }
  static constexpr bool scales = true;
  [[gnu::always_inline]] static Vector scale(Vector a, Vector n) { return _mm512_maskz_scalef_pd(first(width), a, n); }
};

template <>
struct ArchWords<Avx512> : GenericWords<Avx512> {
  [[gnu::always_inline]] static Wide multiply_low(Wide a, Wide b) {
    return (Wide)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
  }
  [[gnu::always_inline]] static unsigned at_most(Words a, Words b) {
    return _mm512_cmple_epu32_mask((__m512i)a, (__m512i)b);
  }
};

}  // namespace heed::inline HEED_ABI::simd
