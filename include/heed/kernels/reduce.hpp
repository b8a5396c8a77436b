// SPDX-License-Identifier: Apache-2.0
// Sums and maxima in a fixed order.
#pragma once

#include "heed/core/view.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// out[j] += sum_i x(i, j), rows in ascending order, in blocks of 256 that are summed separately, so that long sums
/// stay accurate.
template <class Scalar, class Isa = simd::NativeIsa>
[[gnu::noinline]] void add_column_sums(MatrixView<const Scalar> x, Scalar* out) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index block = 256;
  simd::for_each_pack<P>(x.cols(), [&](Index j, Index n) {
    P sum = simd::load<P>(out + j, n);
    for (Index begin = 0; begin < x.rows(); begin += block) {
      const Index end = begin + block < x.rows() ? begin + block : x.rows();
      P part(Scalar(0));
      for (Index i = begin; i < end; ++i) part = part + simd::load<P>(x.row(i) + j, n);
      sum = sum + part;
    }
    simd::store(sum, out + j, n);
  });
}

/// out[j] = max_i x(i, j); at[j] is the first such i. NaN counts as the greatest. x has at least one row.
template <class Scalar>
void column_max(MatrixView<const Scalar> x, Scalar* out, Index* at) noexcept {
  for (Index j = 0; j < x.cols(); ++j) {
    out[j] = x(0, j);
    at[j] = 0;
  }
  for (Index i = 1; i < x.rows(); ++i) {
    for (Index j = 0; j < x.cols(); ++j) {
      const Scalar value = x(i, j);
      if (value > out[j] || (value != value && out[j] == out[j])) {
        out[j] = value;
        at[j] = i;
      }
    }
  }
}

/// Returns the sum of x[0 .. size - 1]: by registers, then over their lanes; blocks of 1024 are accumulated in double.
template <class Scalar, class Isa = simd::NativeIsa>
Scalar sum(Index size, const Scalar* x) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index block = 1024;
  double total = 0;
  for (Index begin = 0; begin < size; begin += block) {
    P part(Scalar(0));
    simd::for_each_pack<P>(block < size - begin ? block : size - begin,
                           [&](Index i, Index n) { part = part + simd::load<P>(x + begin + i, n); });
    total += static_cast<double>(reduce_sum(part));
  }
  return static_cast<Scalar>(total);
}

/// Returns sum_i x[i] y[i], in the order of `sum`.
template <class Scalar, class Isa = simd::NativeIsa>
Scalar dot(Index size, const Scalar* x, const Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index block = 1024;
  double total = 0;
  for (Index begin = 0; begin < size; begin += block) {
    P part(Scalar(0));
    simd::for_each_pack<P>(block < size - begin ? block : size - begin, [&](Index i, Index n) {
      part = fma(simd::load<P>(x + begin + i, n), simd::load<P>(y + begin + i, n), part);
    });
    total += static_cast<double>(reduce_sum(part));
  }
  return static_cast<Scalar>(total);
}

}  // namespace heed::inline HEED_ABI::kernels
