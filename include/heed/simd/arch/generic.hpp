// SPDX-License-Identifier: Apache-2.0
// The portable operations of a register, on the compilers' vector types. Other files here replace what they do better.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "heed/simd/isa.hpp"

namespace heed::inline HEED_ABI::simd {

template <class Scalar, int Bytes>
struct VectorOf {
  using Integer = std::conditional_t<sizeof(Scalar) == 4, std::int32_t, std::int64_t>;
  typedef Scalar Type __attribute__((vector_size(Bytes)));
  typedef Integer IntegerType __attribute__((vector_size(Bytes)));
};

template <class Scalar, class Isa>
struct GenericArch {
  using Vector = typename VectorOf<Scalar, Isa::bytes>::Type;
  static constexpr Index width = Isa::bytes / static_cast<int>(sizeof(Scalar));

  [[gnu::always_inline]] static Vector load(const Scalar* p) {
    Vector v;
    std::memcpy(&v, p, sizeof(v));
    return v;
  }
  [[gnu::always_inline]] static void store(Scalar* p, Vector v) { std::memcpy(p, &v, sizeof(v)); }
  [[gnu::always_inline]] static Vector load(const Scalar* p, Index n) {
    Vector v = {};
    for (Index i = 0; i < n; ++i) v[i] = p[i];
    return v;
  }
  [[gnu::always_inline]] static void store(Scalar* p, Vector v, Index n) {
    for (Index i = 0; i < n; ++i) p[i] = v[i];
  }
  [[gnu::always_inline]] static Vector fma(Vector a, Vector b, Vector c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    // Said outright: whether `a * b + c` is fused would be the compiler's choice, another one in every loop.
    for (Index i = 0; i < width; ++i) a[i] = std::fma(a[i], b[i], c[i]);
    return a;
#else
    return a * b + c;
#endif
  }
  [[gnu::always_inline]] static Vector sqrt(Vector a) {
    for (Index i = 0; i < width; ++i) a[i] = std::sqrt(a[i]);
    return a;
  }
};

/// What Pack is made of; specialised by the instruction sets.
template <class Scalar, class Isa>
struct Arch : GenericArch<Scalar, Isa> {};

}  // namespace heed::inline HEED_ABI::simd
