// SPDX-License-Identifier: Apache-2.0
// Cross-entropy, directly from its definition.
#pragma once

#include "heed/core/view.hpp"
#include "heed/kernels/reference/softmax.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// q_c = (1 - s) [c = target] + s / C.
inline double smoothed_target(Index c, Index target, Index classes, double label_smoothing) {
  return label_smoothing / static_cast<double>(classes) + (c == target ? 1 - label_smoothing : 0);
}

/// log p_ic = x_ic - log sum_k exp(x_ik); loss_i = -sum_c q_ic log p_ic, 0 for an ignored row.
inline void cross_entropy(TensorView<const double> logits, const Index* targets, Index ignore_index,
                          double label_smoothing, double* loss) {
  for (Index i = 0; i < logits.rows(); ++i) {
    loss[i] = 0;
    if (targets[i] == ignore_index) continue;
    const double log_sum = log_sum_exp(logits.cols(), 1, logits.row(i));
    for (Index c = 0; c < logits.cols(); ++c) {
      const double q = smoothed_target(c, targets[i], logits.cols(), label_smoothing);
      if (q != 0) loss[i] -= q * (logits(i, c) - log_sum);
    }
  }
}

/// dx_ic = g_i (p_ic - q_ic). Adds to its output.
inline void cross_entropy_backward(TensorView<const double> logits, const Index* targets, Index ignore_index,
                                   double label_smoothing, const double* dloss, TensorView<double> dlogits) {
  for (Index i = 0; i < logits.rows(); ++i) {
    if (targets[i] == ignore_index) continue;
    const double log_sum = log_sum_exp(logits.cols(), 1, logits.row(i));
    for (Index c = 0; c < logits.cols(); ++c) {
      const double q = smoothed_target(c, targets[i], logits.cols(), label_smoothing);
      dlogits(i, c) += dloss[i] * (std::exp(logits(i, c) - log_sum) - q);
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
