// SPDX-License-Identifier: Apache-2.0
// AVX2 with FMA: fused multiply-add, square root, masked loads and stores.
#pragma once

#include <immintrin.h>

#include "heed/simd/arch/generic.hpp"

namespace heed::inline HEED_ABI::simd {

template <>
struct Arch<float, Avx2> : GenericArch<float, Avx2> {
  using GenericArch::load;
  using GenericArch::store;
  static __m256i first(Index n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  [[gnu::always_inline]] static Vector load(const float* p, Index n) { return _mm256_maskload_ps(p, first(n)); }
  [[gnu::always_inline]] static void store(float* p, Vector v, Index n) { _mm256_maskstore_ps(p, first(n), v); }
  [[gnu::always_inline]] static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  [[gnu::always_inline]] static Vector sqrt(Vector a) { return _mm256_sqrt_ps(a); }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) { return _mm256_max_ps(a, b); }
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) { return _mm256_min_ps(a, b); }
};

template <>
struct Arch<double, Avx2> : GenericArch<double, Avx2> {
  using GenericArch::load;
  using GenericArch::store;
  static __m256i first(Index n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
  [[gnu::always_inline]] static Vector load(const double* p, Index n) { return _mm256_maskload_pd(p, first(n)); }
  [[gnu::always_inline]] static void store(double* p, Vector v, Index n) { _mm256_maskstore_pd(p, first(n), v); }
  [[gnu::always_inline]] static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_pd(a, b, c); }
  [[gnu::always_inline]] static Vector sqrt(Vector a) { return _mm256_sqrt_pd(a); }
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) { return _mm256_max_pd(a, b); }
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) { return _mm256_min_pd(a, b); }
};

template <>
struct ArchWords<Avx2> : GenericWords<Avx2> {
  [[gnu::always_inline]] static Wide multiply_low(Wide a, Wide b) {
    return (Wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
  }
  [[gnu::always_inline]] static unsigned at_most(Words a, Words b) {
    const __m256i least = _mm256_min_epu32((__m256i)a, (__m256i)b);
    return static_cast<unsigned>(_mm256_movemask_ps((__m256)_mm256_cmpeq_epi32(least, (__m256i)a)));
  }
};

}  // namespace heed::inline HEED_ABI::simd
