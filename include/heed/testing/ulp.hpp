// SPDX-License-Identifier: Apache-2.0
// Errors in units in the last place (ulp).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::testing {

/// Returns the number of steps between adjacent representable numbers from a to b; +0 and -0 are the same number.
/// Returns the maximum of the type when either is NaN, so that a comparison with a bound fails.
template <class Scalar>
std::uint64_t ulp_distance(Scalar a, Scalar b) {
  static_assert(std::numeric_limits<Scalar>::is_iec559 && sizeof(Scalar) <= 8);
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<std::uint64_t>::max();
  using Bits = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;
  // The bits of positive numbers increase with their values; negative numbers are counted down from zero.
  const auto place = [](Scalar x) {
    Bits bits;
    std::memcpy(&bits, &x, sizeof(bits));
    const auto magnitude = static_cast<std::int64_t>(bits & (~Bits{0} >> 1));
    return std::signbit(x) ? -magnitude : magnitude;
  };
  const std::int64_t from = place(a), to = place(b);
  return from < to ? static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from)
                   : static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(to);
}

/// Returns |got - exact| in ulps of `exact` as a Scalar; correct rounding gives at most 0.5. Infinite when one of the
/// two is NaN or infinite and they differ (`exact` counts as infinite if it rounds to infinity).
template <class Scalar>
double ulp_error(Scalar got, long double exact) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (std::isnan(got) || std::isnan(exact)) return std::isnan(got) && std::isnan(exact) ? 0.0 : infinity;
  const auto rounded = static_cast<Scalar>(exact);
  if (std::isinf(got) || std::isinf(rounded)) return got == rounded ? 0.0 : infinity;
  using Limits = std::numeric_limits<Scalar>;
  int exponent = Limits::min_exponent;
  if (exact != 0.0L) std::frexp(exact, &exponent);
  if (exponent < Limits::min_exponent) exponent = Limits::min_exponent;
  const long double unit = std::ldexp(1.0L, exponent - Limits::digits);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - exact) / unit);
}

}  // namespace heed::inline HEED_ABI::testing
