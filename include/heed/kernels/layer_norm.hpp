// SPDX-License-Identifier: Apache-2.0
// Layer normalisation of rows (Ba, Kiros and Hinton 2016).
#pragma once

#include <cmath>

#include "heed/core/view.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias per row, with the biased variance of the centred row (in a
/// second pass: a difference of two large sums would be inaccurate). x, y [rows, features]; weight, bias [features];
/// mean, rstd = 1 / sqrt(variance + epsilon) [rows], kept for the backward pass. x and y may be the same array.
template <class Scalar, class Isa = simd::NativeIsa>
void layer_norm_forward(MatrixView<const Scalar> x, const Scalar* weight, const Scalar* bias, Scalar epsilon,
                        Scalar* mean, Scalar* rstd, MatrixView<Scalar> y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index features = x.cols();
  const Scalar share = Scalar(1) / static_cast<Scalar>(features);
  for (Index i = 0; i < x.rows(); ++i) {
    const Scalar* in = x.row(i);
    Scalar* out = y.row(i);
    mean[i] = sum<Scalar, Isa>(features, in) * share;
    P squares(Scalar(0));
    simd::for_each_pack<P>(features, [&](Index j, Index n) {
      const P centred = keep_first(simd::load<P>(in + j, n) - P(mean[i]), n, P(Scalar(0)));
      squares = fma(centred, centred, squares);
    });
    rstd[i] = Scalar(1) / std::sqrt(reduce_sum(squares) * share + epsilon);
    simd::for_each_pack<P>(features, [&](Index j, Index n) {
      const P normal = (simd::load<P>(in + j, n) - P(mean[i])) * P(rstd[i]);
      simd::store(fma(normal, simd::load<P>(weight + j, n), simd::load<P>(bias + j, n)), out + j, n);
    });
  }
}

/// With n = (x - mean) rstd and g = dy weight: dx += rstd (g - average(g) - n average(g n)), dweight += sum_rows dy n,
/// dbias += sum_rows dy, rows in ascending order. Outputs that are not requested are empty or null.
template <class Scalar, class Isa = simd::NativeIsa>
void layer_norm_backward(MatrixView<const Scalar> x, const Scalar* weight, const Scalar* mean, const Scalar* rstd,
                         MatrixView<const Scalar> dy, MatrixView<Scalar> dx, Scalar* dweight, Scalar* dbias) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index features = x.cols();
  const Scalar share = Scalar(1) / static_cast<Scalar>(features);
  for (Index i = 0; i < x.rows(); ++i) {
    const Scalar* in = x.row(i);
    const Scalar* up = dy.row(i);
    const auto normal = [&](Index j, Index n) { return (simd::load<P>(in + j, n) - P(mean[i])) * P(rstd[i]); };
    if (dweight != nullptr) {
      simd::for_each_pack<P>(features, [&](Index j, Index n) {
        simd::store(fma(simd::load<P>(up + j, n), normal(j, n), simd::load<P>(dweight + j, n)), dweight + j, n);
      });
    }
    if (dbias != nullptr) {
      simd::for_each_pack<P>(features, [&](Index j, Index n) {
        simd::store(simd::load<P>(up + j, n) + simd::load<P>(dbias + j, n), dbias + j, n);
      });
    }
    if (!dx) continue;
    P direct(Scalar(0)), along(Scalar(0));
    simd::for_each_pack<P>(features, [&](Index j, Index n) {
      // 0 past the row's end, because dy and weight are.
      const P g = simd::load<P>(up + j, n) * simd::load<P>(weight + j, n);
      direct = direct + g;
      along = fma(g, normal(j, n), along);
    });
    const P average(reduce_sum(direct) * share), slope(reduce_sum(along) * share);
    Scalar* out = dx.row(i);
    simd::for_each_pack<P>(features, [&](Index j, Index n) {
      const P g = simd::load<P>(up + j, n) * simd::load<P>(weight + j, n);
      const P rest = g - average - normal(j, n) * slope;
      simd::store(fma(rest, P(rstd[i]), simd::load<P>(out + j, n)), out + j, n);
    });
  }
}

}  // namespace heed::inline HEED_ABI::kernels
