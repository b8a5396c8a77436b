// SPDX-License-Identifier: Apache-2.0
// Softmax of one row, used by every kernel with rows of scores.
#pragma once

#include <cmath>
#include <limits>

#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// y_j = exp(x_j - log_sum) for log_sum = log sum_k exp(x_k), with x_j = -infinity giving 0. In place.
template <class Scalar, class Isa = simd::NativeIsa>
void exp_row(Index size, Scalar* x, Scalar log_sum) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(
      size, [&](Index j, Index n) { simd::store(exp_nonpositive(simd::load<P>(x + j, n) - P(log_sum)), x + j, n); });
}

/// y = softmax(x); x and y may be the same array. -infinity hides; if all are hidden, or the size is 0, y is 0. Returns
/// log sum_j exp(x_j), or 0 if all are hidden (then exp(x_j - 0) is 0).
template <class Scalar, class Isa = simd::NativeIsa>
Scalar softmax_row(Index size, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  P greatest(-infinity);
  const Index whole = size - size % P::width;
  for (Index j = 0; j < whole; j += P::width) greatest = max(P::load(x + j), greatest);
  Scalar top = reduce_max(greatest);
  for (Index j = whole; j < size; ++j) top = x[j] > top ? x[j] : top;
  if (!(top > -infinity)) {
    // All hidden, or a NaN among them: a NaN that is not hidden stays NaN.
    for (Index j = 0; j < size; ++j) y[j] = x[j] == x[j] ? Scalar(0) : x[j];
    return 0;
  }
  P total(Scalar(0));
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    P e = exp_nonpositive(simd::load<P>(x + j, n) - P(top));
    simd::store(e, y + j, n);
    if (n < P::width) e = simd::load<P>(y + j, n);  // lanes past the end must not count
    total = total + e;
  });
  const Scalar sum = reduce_sum(total);
  const P inverse(Scalar(1) / sum);
  simd::for_each_pack<P>(size, [&](Index j, Index n) { simd::store(simd::load<P>(y + j, n) * inverse, y + j, n); });
  return top + std::log(sum);
}

}  // namespace heed::inline HEED_ABI::kernels
