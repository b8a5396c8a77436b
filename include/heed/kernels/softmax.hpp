// SPDX-License-Identifier: Apache-2.0
// Softmax and log-softmax: of rows, with a mask, and of the columns of a segment.
#pragma once

#include <limits>

#include "heed/core/mask.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/softmax_row.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// scores = x plus the additive part where query i of segment b may look, -infinity elsewhere, regardless of x.
template <class Scalar>
void mask_row(const MaskView<Scalar>& mask, Index b, Index i, Index queries, Index keys, const Scalar* x,
              Scalar* scores) noexcept {
  constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const Index end = mask.key_end(b, i, queries, keys);
  for (Index j = 0; j < keys; ++j) {
    const Index at = mask.at(b, i, j);
    const bool hidden = j >= end || !mask.shows(at);
    scores[j] = hidden ? -infinity : (mask.additive != nullptr ? x[j] + mask.additive[at] : x[j]);
  }
}

/// y = x - log sum_j exp(x_j), x and y distinct; -infinity stays -infinity. If all of x is -infinity, so is y.
template <class Scalar, class Isa = simd::NativeIsa>
void log_softmax_row(Index size, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P log_sum(softmax_row<Scalar, Isa>(size, x, y));
  simd::for_each_pack<P>(size, [&](Index j, Index n) { simd::store(simd::load<P>(x + j, n) - log_sum, y + j, n); });
}

/// dx_j += y_j (dy_j - sum_k dy_k y_k). Where y_j is 0 (hidden), dy_j has no influence, even if it is NaN.
template <class Scalar, class Isa = simd::NativeIsa>
void softmax_row_backward(Index size, const Scalar* y, const Scalar* dy, Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P zero(Scalar(0));
  P total(Scalar(0));
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P p = simd::load<P>(y + j, n);
    total = total + select(p == zero, zero, p * simd::load<P>(dy + j, n));
  });
  const P mean(reduce_sum(total));
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P p = simd::load<P>(y + j, n);
    const P change = select(p == zero, zero, p * (simd::load<P>(dy + j, n) - mean));
    simd::store(simd::load<P>(dx + j, n) + change, dx + j, n);
  });
}

/// dx_j += dy_j - exp(y_j) sum_k dy_k, for the j and k that are not hidden (y > -infinity); others are unchanged.
template <class Scalar, class Isa = simd::NativeIsa>
void log_softmax_row_backward(Index size, const Scalar* y, const Scalar* dy, Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P zero(Scalar(0)), hidden(-std::numeric_limits<Scalar>::infinity());
  P total(Scalar(0));
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P at = simd::load<P>(y + j, n), g = simd::load<P>(dy + j, n);
    total = total + select(at == hidden, zero, g);
  });
  const P sum(reduce_sum(total));
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P at = simd::load<P>(y + j, n);
    const P change = select(at == hidden, zero, simd::load<P>(dy + j, n) - exp_nonpositive(at) * sum);
    simd::store(simd::load<P>(dx + j, n) + change, dx + j, n);
  });
}

/// Softmax of every column of x [rows, cols]; -infinity hides, as in softmax_row. x and y may be the same array.
template <class Scalar, class Isa = simd::NativeIsa>
void softmax_columns(MatrixView<const Scalar> x, MatrixView<Scalar> y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  if (x.cols() == 1 && x.contiguous() && y.contiguous()) {
    softmax_row<Scalar, Isa>(x.rows(), x.data(), y.data());
    return;
  }
  const P zero(Scalar(0)), lowest(-std::numeric_limits<Scalar>::infinity());
  simd::for_each_pack<P>(x.cols(), [&](Index j, Index n) {
    P top = lowest, sum = zero;
    for (Index i = 0; i < x.rows(); ++i) top = max(simd::load<P>(x.row(i) + j, n), top);
    // If all are hidden: exp(-infinity - 0) is 0, and 0 / 1 stays 0.
    const auto hidden = top == lowest;
    top = select(hidden, zero, top);
    for (Index i = 0; i < x.rows(); ++i) {
      const P e = exp_nonpositive(simd::load<P>(x.row(i) + j, n) - top);
      simd::store(e, y.row(i) + j, n);
      sum = sum + e;
    }
    const P inverse = P(Scalar(1)) / select(sum == zero, P(Scalar(1)), sum);
    for (Index i = 0; i < x.rows(); ++i) {
      simd::store(simd::load<P>(y.row(i) + j, n) * inverse, y.row(i) + j, n);
    }
  });
}

/// softmax_row_backward for every column.
template <class Scalar, class Isa = simd::NativeIsa>
void softmax_columns_backward(MatrixView<const Scalar> y, MatrixView<const Scalar> dy, MatrixView<Scalar> dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P zero(Scalar(0));
  simd::for_each_pack<P>(y.cols(), [&](Index j, Index n) {
    P mean = zero;
    for (Index i = 0; i < y.rows(); ++i) {
      const P p = simd::load<P>(y.row(i) + j, n);
      mean = mean + select(p == zero, zero, p * simd::load<P>(dy.row(i) + j, n));
    }
    for (Index i = 0; i < y.rows(); ++i) {
      const P p = simd::load<P>(y.row(i) + j, n);
      const P change = select(p == zero, zero, p * (simd::load<P>(dy.row(i) + j, n) - mean));
      simd::store(simd::load<P>(dx.row(i) + j, n) + change, dx.row(i) + j, n);
    }
  });
}

}  // namespace heed::inline HEED_ABI::kernels
