// SPDX-License-Identifier: Apache-2.0
// A SIMD register of numbers.
#pragma once

#include <utility>

#include "heed/simd/arch/generic.hpp"
#include "heed/simd/isa.hpp"
#ifdef HEED_AVX512
#include "heed/simd/arch/avx512.hpp"
#endif
#ifdef HEED_AVX2
#include "heed/simd/arch/avx2.hpp"
#endif
#ifdef HEED_NEON
#include "heed/simd/arch/neon.hpp"
#endif

namespace heed::inline HEED_ABI::simd {

/// `width` numbers of type Scalar in one register of the instruction set Isa. Partial loads fill with zeros, so that
/// the body and the tail of a loop run the same code and a result does not depend on the position of its element.
template <class Number, class Isa = NativeIsa>
struct Pack {
  using Scalar = Number;
  using Ops = Arch<Scalar, Isa>;
  using Vector = typename Ops::Vector;
  /// Each lane has all bits set (true) or is 0.
  using Mask = typename VectorOf<Scalar, Isa::bytes>::IntegerType;
  using Integer = typename VectorOf<Scalar, Isa::bytes>::Integer;
  static constexpr Index width = Ops::width;

  Vector v;

  Pack() = default;
  [[gnu::always_inline]] Pack(Vector vector) : v(vector) {}
  /// Sets all lanes to x. (x - 0 equals x, also for -0, so that the compiler removes it; 0 + x would be an addition.)
  [[gnu::always_inline]] Pack(Scalar x) : v(x - Vector{}) {}

  [[gnu::always_inline]] static Pack load(const Scalar* p) { return Ops::load(p); }
  /// Loads the first n <= width lanes; the others are 0.
  [[gnu::always_inline]] static Pack load(const Scalar* p, Index n) { return Ops::load(p, n); }
  [[gnu::always_inline]] void store(Scalar* p) const { Ops::store(p, v); }
  /// Stores the first n <= width lanes only.
  [[gnu::always_inline]] void store(Scalar* p, Index n) const { Ops::store(p, v, n); }
  [[gnu::always_inline]] Scalar operator[](Index lane) const { return v[lane]; }

  [[gnu::always_inline]] friend Pack operator+(Pack a, Pack b) { return a.v + b.v; }
  [[gnu::always_inline]] friend Pack operator-(Pack a, Pack b) { return a.v - b.v; }
  [[gnu::always_inline]] friend Pack operator*(Pack a, Pack b) { return a.v * b.v; }
  [[gnu::always_inline]] friend Pack operator/(Pack a, Pack b) { return a.v / b.v; }
  [[gnu::always_inline]] friend Pack operator-(Pack a) { return -a.v; }
  [[gnu::always_inline]] friend Mask operator<(Pack a, Pack b) { return a.v < b.v; }
  [[gnu::always_inline]] friend Mask operator>(Pack a, Pack b) { return a.v > b.v; }
  [[gnu::always_inline]] friend Mask operator==(Pack a, Pack b) { return a.v == b.v; }

  /// a * b + c, with one rounding where the instruction set supports it.
  [[gnu::always_inline]] friend Pack fma(Pack a, Pack b, Pack c) { return Ops::fma(a.v, b.v, c.v); }
  [[gnu::always_inline]] friend Pack sqrt(Pack a) { return Ops::sqrt(a.v); }
  /// a 2^n with one rounding, for a near 1 and integers n. NaN where a is NaN, for any n.
  [[gnu::always_inline]] friend Pack scale(Pack a, Pack n) { return Ops::scale(a.v, n.v); }
  /// The first n <= width lanes of a, and b in the rest: for reductions of values that are not 0 past a row's end.
  [[gnu::always_inline]] friend Pack keep_first(Pack a, Index n, Pack b) {
    static constexpr Scalar lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return n == width ? a : select(load(lanes) < Pack(static_cast<Scalar>(n)), a, b);
  }
  /// `mask ? a : b` per lane; the value that is not selected, NaN included, has no effect.
  [[gnu::always_inline]] friend Pack select(Mask mask, Pack a, Pack b) { return mask ? a.v : b.v; }
  /// Maximum and minimum per lane; b where either is NaN.
  [[gnu::always_inline]] friend Pack max(Pack a, Pack b) { return Ops::max(a.v, b.v); }
  [[gnu::always_inline]] friend Pack min(Pack a, Pack b) { return Ops::min(a.v, b.v); }
  [[gnu::always_inline]] friend Pack abs(Pack a) { return (Vector)((Mask)a.v & (Mask)(~(Mask)(-Vector{}))); }
  /// The magnitude of a with the sign of b.
  [[gnu::always_inline]] friend Pack copy_sign(Pack a, Pack b) {
    const Mask sign = (Mask)(-Vector{});
    return (Vector)(((Mask)a.v & ~sign) | ((Mask)b.v & sign));
  }

  /// Sum of all lanes: adds lanes i and i + width/2, then repeats with the result, for every instruction set.
  [[gnu::always_inline]] friend Scalar reduce_sum(Pack a) {
    return fold(a.v, [](auto low, auto high) { return low + high; });
  }
  /// The greatest lane.
  [[gnu::always_inline]] friend Scalar reduce_max(Pack a) {
    return fold(a.v, [](auto low, auto high) { return low > high ? low : high; });
  }

 private:
  /// Combines the upper half of a register with the lower half until one number is left.
  template <class V, class Join>
  [[gnu::always_inline]] static Scalar fold(V v, const Join& join) {
    constexpr int half = sizeof(V) / sizeof(Scalar) / 2;
    if constexpr (half == 1) {
      return join(static_cast<Scalar>(v[0]), static_cast<Scalar>(v[1]));
    } else {
      return [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
        return fold(join(__builtin_shufflevector(v, v, i...), __builtin_shufflevector(v, v, (half + i)...)), join);
      }
      (std::make_integer_sequence<int, half>());
    }
  }
};

/// Calls `body(i, n)` for elements i .. i + n - 1 of 0 .. size - 1: n is the register width, and less in the tail.
template <class P, class Body>
[[gnu::always_inline]] inline void for_each_pack(Index size, Body&& body) {
  Index i = 0;
  for (; i + P::width <= size; i += P::width) body(i, P::width);
  if (i < size) body(i, size - i);
}
/// Loads and stores the first n <= width elements.
template <class P, class Scalar>
[[gnu::always_inline]] inline P load(const Scalar* p, Index n) {
  return n == P::width ? P::load(p) : P::load(p, n);
}
template <class P, class Scalar>
[[gnu::always_inline]] inline void store(P value, Scalar* p, Index n) {
  if (n == P::width) {
    value.store(p);
  } else {
    value.store(p, n);
  }
}

}  // namespace heed::inline HEED_ABI::simd
