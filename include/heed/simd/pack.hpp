// SPDX-License-Identifier: Apache-2.0
// One register of numbers.
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

/// `width` numbers of type Scalar in one register of the instruction set Isa. Partial loads fill with zeros, so the
/// body and the tail of a loop run the same code and a value never depends on its position.
template <class Number, class Isa = NativeIsa>
struct Pack {
  using Scalar = Number;
  using Ops = Arch<Scalar, Isa>;
  using Vector = typename Ops::Vector;
  /// A lane is all ones (true) or 0.
  using Mask = typename VectorOf<Scalar, Isa::bytes>::IntegerType;
  using Integer = typename VectorOf<Scalar, Isa::bytes>::Integer;
  static constexpr Index width = Ops::width;

  Vector v;

  Pack() = default;
  [[gnu::always_inline]] Pack(Vector vector) : v(vector) {}
  /// The same number in every lane. (x - 0 is x, -0 included, so it costs nothing; 0 + x would be an addition.)
  [[gnu::always_inline]] Pack(Scalar x) : v(x - Vector{}) {}

  [[gnu::always_inline]] static Pack load(const Scalar* p) { return Ops::load(p); }
  /// The first n <= width lanes from memory, the others 0.
  [[gnu::always_inline]] static Pack load(const Scalar* p, Index n) { return Ops::load(p, n); }
  [[gnu::always_inline]] void store(Scalar* p) const { Ops::store(p, v); }
  /// The first n <= width lanes only.
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

  /// a * b + c, rounded once where the instruction set can.
  [[gnu::always_inline]] friend Pack fma(Pack a, Pack b, Pack c) { return Ops::fma(a.v, b.v, c.v); }
  [[gnu::always_inline]] friend Pack sqrt(Pack a) { return Ops::sqrt(a.v); }
  /// a 2^n, rounded once, for a near 1 and integers n; whatever n is where a is NaN.
  [[gnu::always_inline]] friend Pack scale(Pack a, Pack n) { return Ops::scale(a.v, n.v); }
  /// Lane by lane `mask ? a : b`; the other side's value, NaN included, has no influence.
  [[gnu::always_inline]] friend Pack select(Mask mask, Pack a, Pack b) { return mask ? a.v : b.v; }
  /// b where one of them is NaN.
  [[gnu::always_inline]] friend Pack max(Pack a, Pack b) { return Ops::max(a.v, b.v); }
  [[gnu::always_inline]] friend Pack min(Pack a, Pack b) { return Ops::min(a.v, b.v); }
  [[gnu::always_inline]] friend Pack abs(Pack a) { return (Vector)((Mask)a.v & (Mask)(~(Mask)(-Vector{}))); }
  /// Magnitude of a, sign of b.
  [[gnu::always_inline]] friend Pack copy_sign(Pack a, Pack b) {
    const Mask sign = (Mask)(-Vector{});
    return (Vector)(((Mask)a.v & ~sign) | ((Mask)b.v & sign));
  }

  /// Sum of all lanes: lanes i and i + width/2 first, then halves again, whatever the instruction set.
  [[gnu::always_inline]] friend Scalar reduce_sum(Pack a) {
    return fold(a.v, [](auto low, auto high) { return low + high; });
  }
  /// The greatest lane.
  [[gnu::always_inline]] friend Scalar reduce_max(Pack a) {
    return fold(a.v, [](auto low, auto high) { return low > high ? low : high; });
  }

 private:
  /// Folds the upper half of a register onto the lower one until one number is left.
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

/// Applies `body(i, n)` to 0 .. size - 1 in steps of a register: n is the width in the body and less in the tail.
template <class P, class Body>
[[gnu::always_inline]] inline void for_each_pack(Index size, Body&& body) {
  Index i = 0;
  for (; i + P::width <= size; i += P::width) body(i, P::width);
  if (i < size) body(i, size - i);
}
/// Load and store with a count that may be the full width.
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
