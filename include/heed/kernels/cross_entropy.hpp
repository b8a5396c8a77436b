// SPDX-License-Identifier: Apache-2.0
// Cross-entropy of rows of logits against class indices.
#pragma once

#include <cmath>
#include <limits>

#include "heed/core/view.hpp"
#include "heed/simd/math.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// For each row i whose target is not `ignore_index`, with lse = log sum_c exp(x_c) and s = `label_smoothing`:
/// loss[i] = (1 - s) (lse - x_target) + s / classes * sum_c (lse - x_c); 0 for ignored rows.
/// logits [rows, classes]; targets, loss and log_sum_exp (kept for the backward pass) [rows].
template <class Scalar, class Isa = simd::NativeIsa>
void cross_entropy_forward(MatrixView<const Scalar> logits, const Index* targets, Index ignore_index,
                           double label_smoothing, Scalar* loss, Scalar* log_sum_exp) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index block = 4096;  // longer sums are accumulated in double
  constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const Index classes = logits.cols();
  for (Index i = 0; i < logits.rows(); ++i) {
    loss[i] = log_sum_exp[i] = 0;
    if (targets[i] == ignore_index) continue;
    const Scalar* x = logits.row(i);
    P most(-infinity);
    simd::for_each_pack<P>(classes,
                           [&](Index j, Index n) { most = max(keep_first(simd::load<P>(x + j, n), n, most), most); });
    const Scalar top = reduce_max(most);
    double exponentials = 0, distance = 0;  // sum_c exp(x_c - top), sum_c (top - x_c)
    for (Index from = 0; from < classes; from += block) {
      P part(Scalar(0)), apart(Scalar(0));
      simd::for_each_pack<P>(block < classes - from ? block : classes - from, [&](Index j, Index n) {
        const P below = simd::load<P>(x + from + j, n) - P(top);
        part = part + keep_first(exp_nonpositive(below), n, P(Scalar(0)));
        if (label_smoothing != 0) apart = apart - keep_first(below, n, P(Scalar(0)));
      });
      exponentials += static_cast<double>(reduce_sum(part));
      distance += static_cast<double>(reduce_sum(apart));
    }
    const double above = std::log(exponentials);  // lse - top
    const double likelihood = static_cast<double>(top - x[targets[i]]) + above;
    double total = (1 - label_smoothing) * likelihood;
    if (label_smoothing != 0) total += label_smoothing * (distance / static_cast<double>(classes) + above);
    loss[i] = static_cast<Scalar>(total);
    log_sum_exp[i] = static_cast<Scalar>(static_cast<double>(top) + above);
  }
}

/// dlogits[i, c] += g_i (exp(x_c - lse) - (1 - s) [c = target] - s / classes) for each row that is not ignored, with
/// g_i = scale * dloss[i], or `scale` if dloss is null.
template <class Scalar, class Isa = simd::NativeIsa>
void cross_entropy_backward(MatrixView<const Scalar> logits, const Index* targets, Index ignore_index,
                            double label_smoothing, const Scalar* log_sum_exp, const Scalar* dloss, Scalar scale,
                            MatrixView<Scalar> dlogits) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Scalar floor = static_cast<Scalar>(label_smoothing / static_cast<double>(logits.cols()));
  const Scalar peak = static_cast<Scalar>(1 - label_smoothing);
  for (Index i = 0; i < logits.rows(); ++i) {
    if (targets[i] == ignore_index) continue;
    const Scalar g = dloss == nullptr ? scale : scale * dloss[i];
    const Scalar* x = logits.row(i);
    Scalar* dx = dlogits.row(i);
    simd::for_each_pack<P>(logits.cols(), [&](Index j, Index n) {
      const P p = exp_nonpositive(simd::load<P>(x + j, n) - P(log_sum_exp[i]));
      simd::store(fma(P(g), p - P(floor), simd::load<P>(dx + j, n)), dx + j, n);
    });
    dx[targets[i]] -= g * peak;
  }
}

}  // namespace heed::inline HEED_ABI::kernels
