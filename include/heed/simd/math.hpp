// SPDX-License-Identifier: Apache-2.0
// Elementary functions of packs. NaN results in NaN. Tests check the error bounds stated here.
#pragma once

#include <limits>

#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::simd {

namespace detail {

/// Evaluates a polynomial by Horner's rule with one fma per step, coefficients from the highest power to the lowest.
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
  static constexpr int mantissa_bits = 23;
  static constexpr float round_magic = 0x1.8p23f;  // adding and subtracting it rounds to the nearest integer
  static constexpr float shifted_magic = round_magic + (64.0f + 127.0f), unshift = 0x1p-64f;  // see scale_down
  static constexpr float exp_low = -104.0f, exp_high = 89.0f;                                 // 0 and infinity beyond
  static constexpr float tail_high = 15.0f;
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
};
template <>
struct FloatFormat<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr double round_magic = 0x1.8p52;
  static constexpr double shifted_magic = round_magic + (512.0 + 1023.0), unshift = 0x1p-512;
  static constexpr double exp_low = -746.0, exp_high = 710.0;
  static constexpr double tail_high = 39.0;
  static constexpr double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
};

/// (e^(s r) - 1) / r for |s r| <= ln(2)/2: minimax, relative error 2^-26 in float and 2^-55 in double.
template <class P, class Scalar>
[[gnu::always_inline]] inline P exp_chord(P r, Scalar s) {
  const Scalar s2 = s * s, s3 = s2 * s, s4 = s2 * s2, s5 = s4 * s, s6 = s4 * s2;
  if constexpr (sizeof(Scalar) == 4) {
    return horner(r, P(0.0013888951f * s6), 0.00836913f * s5, 0.041667137f * s4, 0.16666506f * s3, 0.49999997f * s2, s);
  } else {
    return horner(r, P(2.5052203348121442e-08 * s6 * s5), 2.7626365695877686e-07 * s5 * s5,
                  2.7557414729429842e-06 * s5 * s4, 2.480150434496549e-05 * s4 * s4, 0.00019841269707235773 * s4 * s3,
                  0.0013888888932471666 * s6, 0.008333333333398073 * s5, 0.04166666666657326 * s4,
                  0.16666666666666563 * s3, 0.5000000000000006 * s2, s);
  }
}

/// y 2^n for integers n = shifted - shifted_magic that are not positive.
template <class P, class Scalar = typename P::Scalar>
[[gnu::always_inline]] inline P scale_down(P y, P n, P shifted) {
  using F = FloatFormat<Scalar>;
  if constexpr (P::Ops::scales) {
    return scale(y, n);
  } else {
    // The low bits of `shifted` are the exponent field of a normal number, 2^(n + shift): only the last product rounds.
    return y * P((typename P::Vector)((typename P::Mask)shifted.v << F::mantissa_bits)) * P(F::unshift);
  }
}

}  // namespace detail

/// e^x, at most 2 ulp over the whole range, subnormal results included.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> exp(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  using F = detail::FloatFormat<Scalar>;
  x = min(P(F::exp_high), max(P(F::exp_low), x));
  const P n = fma(x, P(Scalar(0x1.71547652b82fep0)), P(F::round_magic)) - P(F::round_magic);
  const P r = fma(n, P(-F::ln2_low), fma(n, P(-F::ln2_high), x));
  return scale(fma(detail::exp_chord(r, Scalar(1)), r, P(Scalar(1))), n);
}

/// e^x for x <= 0, -infinity included: as accurate as `exp` and slightly faster.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> exp_nonpositive(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  using F = detail::FloatFormat<Scalar>;
  constexpr Scalar magic = F::shifted_magic;
  x = max(P(F::exp_low), x);
  const P shifted = fma(x, P(Scalar(0x1.71547652b82fep0)), P(magic)), n = shifted - P(magic);
  const P r = fma(n, P(-F::ln2_low), fma(n, P(-F::ln2_high), x));
  return detail::scale_down(fma(detail::exp_chord(r, Scalar(1)), r, P(Scalar(1))), n, shifted);
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

/// Hyperbolic tangent, at most 4 ulp; the magnitude never exceeds 1.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> tanh(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  using F = detail::FloatFormat<Scalar>;
  constexpr Scalar magic = F::shifted_magic;
  const P one(Scalar(1));
  // -e / (2 + e) with e = e^(-2 |x|) - 1, which is free of cancellation.
  const P y = max(P(Scalar(-40)), abs(x) * P(Scalar(-2)));
  const P shifted = fma(y, P(Scalar(0x1.71547652b82fep0)), P(magic)), n = shifted - P(magic);
  const P r = fma(n, P(-F::ln2_low), fma(n, P(-F::ln2_high), y)), power = detail::scale_down(one, n, shifted);
  const P e = fma(power, detail::exp_chord(r, Scalar(1)) * r, power - one);
  return copy_sign(e / (e + P(Scalar(2))), x);
}

/// 1 / (1 + e^-x), at most 4 ulp.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> sigmoid(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  const P one(Scalar(1)), e = exp_nonpositive(-abs(x));
  return select(x < P(Scalar(0)), e, one) / (one + e);
}

namespace detail {

/// The tail of the standard normal distribution beyond a = min(|x|, tail_high), above which it rounds to 0:
/// bell = e^(-a^2/2), and share = P(X > a) / bell.
template <class P>
struct NormalTail {
  P a, bell, share;
};

template <class Scalar, class Isa>
[[gnu::always_inline]] inline NormalTail<Pack<Scalar, Isa>> normal_tail(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  using F = FloatFormat<Scalar>;
  constexpr Scalar magic = F::shifted_magic;
  const P a = min(P(F::tail_high), abs(x));
  // e^(-a^2/2) = 2^n e^(-r/2), r = a^2 + 2 n ln 2. Rounding a^2 would lose all digits for large a.
  const P shifted = fma(a * P(Scalar(-0x1.71547652b82fep-1)), a, P(magic)), n = shifted - P(magic);
  const P r = fma(n, P(2 * F::ln2_low), fma(a, a, n * P(2 * F::ln2_high)));
  const P bell = scale_down(fma(exp_chord(r, Scalar(-0.5)), r, P(Scalar(1))), n, shifted);
  // Minimax in 0 .. tail_high: relative error 2^-27 in float, 2^-59 in double.
  P p, q;
  if constexpr (sizeof(Scalar) == 4) {
    p = horner(a, P(0.0041165166f), 0.04063463f, 0.1832393f, 0.43830058f, 0.5f);
    q = horner(a, P(0.010318457f), 0.101862356f, 0.46948162f, 1.2025204f, 1.6744862f, 1.0f);
  } else {
    p = horner(a, P(2.2425325119686367e-07), 6.977818463548878e-06, 0.00010659673573190068, 0.0010399130384914543,
               0.007123995682244979, 0.03567231648561299, 0.1320591353861144, 0.357370587582873, 0.6796413685608442,
               0.8279448273313593, 0.5);
    q = horner(a, P(5.621195401278583e-07), 1.7490797056003705e-05, 0.00026776051130591403, 0.0026241662227003294,
               0.01812328314912248, 0.09198893124803355, 0.34835158887251083, 0.9801741542757978, 2.0015451995056472,
               2.8171112993378338, 2.453774215465584, 1.0);
  }
  return {a, bell, p / q};
}

}  // namespace detail

/// x/2 erfc(-x/sqrt 2): x times the distribution function of the standard normal distribution. At most 8 ulp, also far
/// below 0; without fused multiply-add (SSE2), where x^2 is rounded, 128 ulp in float and 1024 ulp in double.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> gelu(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  const auto tail = detail::normal_tail(x);
  return fma(-tail.bell, tail.a * tail.share, max(P(Scalar(0)), x));
}

/// The derivative of `gelu`; the absolute error is at most 4 units in the last place of 1.
template <class Scalar, class Isa>
[[gnu::always_inline]] inline Pack<Scalar, Isa> gelu_slope(Pack<Scalar, Isa> x) {
  using P = Pack<Scalar, Isa>;
  const auto tail = detail::normal_tail(x);
  const P above = tail.bell * tail.share, below = select(x > P(Scalar(0)), P(Scalar(1)) - above, above);
  return fma(copy_sign(tail.a, x) * P(Scalar(0.39894228040143267794)), tail.bell, below);
}

}  // namespace heed::inline HEED_ABI::simd
