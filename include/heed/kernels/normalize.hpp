// SPDX-License-Identifier: Apache-2.0
// Normalisation of rows to length 1.
#pragma once

#include <cmath>

#include "heed/core/view.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// y = x / max(|x|, epsilon) per row, where |x| is the Euclidean norm. x, y [rows, features]; norm [rows] is kept for
/// the backward pass. x and y may be the same array.
template <class Scalar, class Isa = simd::NativeIsa>
void normalize_forward(MatrixView<const Scalar> x, Scalar epsilon, Scalar* norm, MatrixView<Scalar> y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index i = 0; i < x.rows(); ++i) {
    const Scalar* const in = x.row(i);
    Scalar* const out = y.row(i);
    P squares(Scalar(0));
    simd::for_each_pack<P>(x.cols(), [&](Index j, Index n) {
      const P part = simd::load<P>(in + j, n);
      squares = fma(part, part, squares);
    });
    norm[i] = std::sqrt(reduce_sum(squares));
    const P inverse(Scalar(1) / (norm[i] < epsilon ? epsilon : norm[i]));
    simd::for_each_pack<P>(x.cols(),
                           [&](Index j, Index n) { simd::store(simd::load<P>(in + j, n) * inverse, out + j, n); });
  }
}

/// dx += (dy - y (y . dy)) / |x|, or dx += dy / epsilon where |x| < epsilon.
template <class Scalar, class Isa = simd::NativeIsa>
void normalize_backward(MatrixView<const Scalar> y, Scalar epsilon, const Scalar* norm, MatrixView<const Scalar> dy,
                        MatrixView<Scalar> dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index i = 0; i < y.rows(); ++i) {
    const Scalar* const up = dy.row(i);
    const Scalar* const out = y.row(i);
    Scalar* const to = dx.row(i);
    const bool small = norm[i] < epsilon;
    P along(Scalar(0));
    if (!small) {
      simd::for_each_pack<P>(
          y.cols(), [&](Index j, Index n) { along = fma(simd::load<P>(out + j, n), simd::load<P>(up + j, n), along); });
    }
    const P slope(-reduce_sum(along)), inverse(Scalar(1) / (small ? epsilon : norm[i]));
    simd::for_each_pack<P>(y.cols(), [&](Index j, Index n) {
      const P rest = fma(slope, simd::load<P>(out + j, n), simd::load<P>(up + j, n));
      simd::store(fma(rest, inverse, simd::load<P>(to + j, n)), to + j, n);
    });
  }
}

}  // namespace heed::inline HEED_ABI::kernels
