// SPDX-License-Identifier: Apache-2.0
// Cross-entropy as its definition reads.
#pragma once

#include <algorithm>
#include <cmath>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// q_ic = (1 - s) [c = target_i] + s / C, log p_ic = x_ic - log sum_k exp(x_ik);
/// loss_i = -sum_c q_ic log p_ic, 0 for an ignored row.
inline void cross_entropy(TensorView<const double> logits, const Index* targets, Index ignore_index,
                          double label_smoothing, double* loss) {
  for (Index i = 0; i < logits.rows(); ++i) {
    loss[i] = 0;
    if (targets[i] == ignore_index) continue;
    const double top = *std::max_element(logits.row(i), logits.row(i) + logits.cols());
    double sum = 0;
    for (Index c = 0; c < logits.cols(); ++c) sum += std::exp(logits(i, c) - top);
    for (Index c = 0; c < logits.cols(); ++c) {
      const double q =
          label_smoothing / static_cast<double>(logits.cols()) + (c == targets[i] ? 1 - label_smoothing : 0);
      if (q != 0) loss[i] -= q * (logits(i, c) - top - std::log(sum));
    }
  }
}

/// dx_ic = g_i (p_ic - q_ic). Adds to its output.
inline void cross_entropy_backward(TensorView<const double> logits, const Index* targets, Index ignore_index,
                                   double label_smoothing, const double* dloss, TensorView<double> dlogits) {
  for (Index i = 0; i < logits.rows(); ++i) {
    if (targets[i] == ignore_index) continue;
    const double top = *std::max_element(logits.row(i), logits.row(i) + logits.cols());
    double sum = 0;
    for (Index c = 0; c < logits.cols(); ++c) sum += std::exp(logits(i, c) - top);
    for (Index c = 0; c < logits.cols(); ++c) {
      const double q =
          label_smoothing / static_cast<double>(logits.cols()) + (c == targets[i] ? 1 - label_smoothing : 0);
      dlogits(i, c) += dloss[i] * (std::exp(logits(i, c) - top) / sum - q);
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
