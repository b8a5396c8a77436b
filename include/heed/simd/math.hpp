// SPDX-License-Identifier: Apache-2.0
// Elementary functions on packs. NaN gives NaN. The greatest errors stated here are tested.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::simd {

namespace detail {

/// Horner's rule, highest power first, each step one fma.
template <class P, class... Rest>
[[gnu::always_inline]] inline P horner(P x, P first, Rest... rest) {
  P sum = first;
  ((sum = fma(sum, x, P(rest))), ...);
  return sum;
}

template <class Scalar>
struct FloatFormat;
template <>
struct FloatFormat<float> {
  static constexpr int mantissa_bits = 23, bias = 127;
  static constexpr float round_magic = 0x1.8p23f;  // adding and subtracting it rounds to the nearest integer
  static constexpr float exp_low = -104.0f, exp_high = 89.0f;  // beyond: 0 and infinity
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
};
template <>
struct FloatFormat<double> {
  static constexpr int mantissa_bits = 52, bias = 1023;
  static constexpr double round_magic = 0x1.8p52;
  static constexpr double exp_low = -746.0, exp_high = 710.0;
  static constexpr double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
};

/// 2^n for integers n in the range of normal numbers.
template <class P>
[[gnu::always_inline]] inline P power_of_two(typename P::Mask n) {
  using F = FloatFormat<std::remove_reference_t<decltype(P{}.v[0])>>;
  return (typename P::Vector)((n + F::bias) << F::mantissa_bits);
}

}  // namespace detail

/// e^x, at most 2 ulp over the whole range, subnormal results included.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> exp(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  using F = detail::FloatFormat<Scalar>;
  x = select(x > P(F::exp_high), P(F::exp_high), x);
  x = select(x < P(F::exp_low), P(F::exp_low), x);
  const P n = fma(x, P(Scalar(0x1.71547652b82fep0)), P(F::round_magic)) - P(F::round_magic);
  P r = fma(n, P(-F::ln2_high), x);
  r = fma(n, P(-F::ln2_low), r);
  P y;
  if constexpr (sizeof(Scalar) == 4) {
    // Minimax on |r| <= ln(2)/2 (Cephes, expf).
    y = detail::horner(r, P(1.9875691500e-4f), 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                       5.0000001201e-1f);
    y = fma(y, r * r, r) + P(1.0f);
  } else {
    // Taylor to r^13: the rest is below 2^-57.
    y = detail::horner(r, P(1.0 / 6227020800), 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                       1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0);
  }
  // In two steps, so that results below the normal range round once and results above overflow to infinity.
  const typename P::Mask k = __builtin_convertvector(n.v, typename P::Mask);
  const typename P::Mask half = k >> 1;
  return y * detail::power_of_two<P>(half) * detail::power_of_two<P>(k - half);
}

/// Natural logarithm, at most 2 ulp; log 0 = -infinity, NaN below 0.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> log(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  using F = detail::FloatFormat<Scalar>;
  using M = typename P::Mask;
  constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const M tiny = x < P(std::numeric_limits<Scalar>::min());
  constexpr Scalar up = sizeof(Scalar) == 4 ? Scalar(0x1p25) : Scalar(0x1p54);
  const P scaled = select(tiny, x * P(up), x);
  // scaled = m 2^e with m in [sqrt(1/2), sqrt(2)).
  constexpr typename P::Integer offset =
      sizeof(Scalar) == 4 ? typename P::Integer(0x3f3504f3) : typename P::Integer(0x3fe6a09e667f3bcd);
  const M shifted = (M)scaled.v - offset;
  const M e = shifted >> F::mantissa_bits;
  const P m = (typename P::Vector)((M)scaled.v - (e << F::mantissa_bits));
  P k = __builtin_convertvector(e, typename P::Vector);
  k = k - select(tiny, P(sizeof(Scalar) == 4 ? Scalar(25) : Scalar(54)), P(Scalar(0)));
  // log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f) (fdlibm).
  const P f = m - P(Scalar(1)), s = f / (f + P(Scalar(2))), z = s * s, square = P(Scalar(0.5)) * f * f;
  P rest;
  if constexpr (sizeof(Scalar) == 4) {
    rest = z * detail::horner(z, P(0.24279078841f), 0.28498786688f, 0.40000972152f, 0.66666662693f);
  } else {
    rest = z * detail::horner(z, P(1.479819860511658591e-01), 1.531383769920937332e-01, 1.818357216161805012e-01,
                              2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
                              6.666666666666735130e-01);
  }
  const P low = fma(s, square + rest, k * P(F::ln2_low));
  P y = fma(k, P(F::ln2_high), f - (square - low));
  y = select(x == P(infinity), x, y);
  y = select(x == P(Scalar(0)), P(-infinity), y);
  return select(x < P(Scalar(0)), P(std::numeric_limits<Scalar>::quiet_NaN()), select(x == x, y, x));
}

/// At most 4 ulp.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> tanh(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  const P a = abs(x), z = x * x;
  P small;
  if constexpr (sizeof(Scalar) == 4) {
    small = detail::horner(z, P(-5.70498872745e-3f), 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                           -3.33332819422e-1f);
  } else {
    small = detail::horner(z, P(-9.64399179425052238628e-1), -9.92877231001918586564e1, -1.61468768441708447952e3) /
            detail::horner(z, P(1.0), 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3);
  }
  small = fma(x * z, small, x);
  const P large = P(Scalar(1)) - P(Scalar(2)) / (exp(a + a) + P(Scalar(1)));
  return copy_sign(select(a < P(Scalar(0.625)), small, large), x);  // of both: small turns -0 into 0
}

/// 1 / (1 + e^-x), at most 4 ulp where that is a normal number (x above -87 in float, -708 in double); what is less
/// may come out as 0.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> sigmoid(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  return P(Scalar(1)) / (P(Scalar(1)) + exp(-x));
}

/// Complementary error function, by the C library lane by lane.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> erfc(Pack<Scalar, Isa> x) {
  Scalar lanes[Pack<Scalar, Isa>::width];
  x.store(lanes);
  for (Scalar& lane : lanes) lane = std::erfc(lane);
  return Pack<Scalar, Isa>::load(lanes);
}

}  // namespace heed::inline HEED_ABI::simd
