// SPDX-License-Identifier: Apache-2.0
// Portable register operations on the vector types of GCC and Clang. Other files here replace some by intrinsics.
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
    // Explicit, because the compiler may fuse `a * b + c` in one loop and not in another.
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
  [[gnu::always_inline]] static Vector max(Vector a, Vector b) { return a > b ? a : b; }
  [[gnu::always_inline]] static Vector min(Vector a, Vector b) { return a < b ? a : b; }

  /// True when `scale` is one instruction.
  static constexpr bool scales = false;
  /// a 2^n with one rounding, for a near 1 and integers n up to those at which the result is 0 or infinite.
  [[gnu::always_inline]] static Vector scale(Vector a, Vector n) {
    using Integers = typename VectorOf<Scalar, Isa::bytes>::IntegerType;
    constexpr int mantissa_bits = sizeof(Scalar) == 4 ? 23 : 52, bias = sizeof(Scalar) == 4 ? 127 : 1023;
    // Two products with normal powers of two: only the second one can round or overflow.
    const Integers k = __builtin_convertvector(n, Integers), half = k >> 1;
    return a * (Vector)((half + bias) << mantissa_bits) * (Vector)((k - half + bias) << mantissa_bits);
  }
};

/// The operations of Pack; specialised for instruction sets.
template <class Scalar, class Isa>
struct Arch : GenericArch<Scalar, Isa> {};

template <int Bytes>
struct WordsOf {
  typedef std::uint32_t Words __attribute__((vector_size(Bytes)));
  typedef std::uint64_t Wide __attribute__((vector_size(Bytes)));
};

template <class Isa>
struct GenericWords {
  using Words = typename WordsOf<Isa::bytes>::Words;
  using Wide = typename WordsOf<Isa::bytes>::Wide;
  /// The 64-bit products of the low halves of the lanes.
  [[gnu::always_inline]] static Wide multiply_low(Wide a, Wide b) {
    for (Index i = 0; i < Isa::bytes / 8; ++i) a[i] = (a[i] & 0xffffffffu) * (b[i] & 0xffffffffu);
    return a;
  }
  /// Returns a bit mask: bit i is set when a[i] <= b[i].
  [[gnu::always_inline]] static unsigned at_most(Words a, Words b) {
    unsigned bits = 0;
    for (Index i = 0; i < Isa::bytes / 4; ++i) bits |= (a[i] <= b[i] ? 1u : 0u) << i;
    return bits;
  }
};

/// The integer operations of simd/random.hpp; specialised for instruction sets.
template <class Isa>
struct ArchWords : GenericWords<Isa> {};

}  // namespace heed::inline HEED_ABI::simd
