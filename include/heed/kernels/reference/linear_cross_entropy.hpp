// SPDX-License-Identifier: Apache-2.0
// Cross-entropy of a linear layer's outputs, directly from its definition.
#pragma once

#include <cmath>
#include <vector>

#include "heed/core/view.hpp"
#include "heed/kernels/reference/softmax.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// l_c = scale x . w_c + bias_c (bias null: 0) for one row x.
inline std::vector<double> catalogue_logits(const double* x, TensorView<const double> weight, const double* bias,
                                            double scale) {
  std::vector<double> logits(static_cast<std::size_t>(weight.rows()));
  for (Index c = 0; c < weight.rows(); ++c) {
    double dot = 0;
    for (Index k = 0; k < weight.cols(); ++k) dot += x[k] * weight(c, k);
    logits[static_cast<std::size_t>(c)] = scale * dot + (bias != nullptr ? bias[c] : 0);
  }
  return logits;
}

/// loss_i = log sum_c exp(l_ic) - l_i target_i, 0 for an ignored row.
inline void linear_cross_entropy(TensorView<const double> x, TensorView<const double> weight, const double* bias,
                                 double scale, const Index* targets, Index ignore_index, double* loss) {
  for (Index i = 0; i < x.rows(); ++i) {
    loss[i] = 0;
    if (targets[i] == ignore_index) continue;
    const auto l = catalogue_logits(x.row(i), weight, bias, scale);
    loss[i] = log_sum_exp(weight.rows(), 1, l.data()) - l[static_cast<std::size_t>(targets[i])];
  }
}

/// With g_ic = p_ic - [c = target_i], and 0 in an ignored row: the gradients of the sum of the losses,
/// dx_i = scale sum_c g_ic w_c, dw_c = scale sum_i g_ic x_i, db_c = sum_i g_ic. Adds to its outputs; dbias may be null.
inline void linear_cross_entropy_backward(TensorView<const double> x, TensorView<const double> weight,
                                          const double* bias, double scale, const Index* targets, Index ignore_index,
                                          TensorView<double> dx, TensorView<double> dweight, double* dbias) {
  for (Index i = 0; i < x.rows(); ++i) {
    if (targets[i] == ignore_index) continue;
    const auto l = catalogue_logits(x.row(i), weight, bias, scale);
    const double log_sum = log_sum_exp(weight.rows(), 1, l.data());
    for (Index c = 0; c < weight.rows(); ++c) {
      const double g = std::exp(l[static_cast<std::size_t>(c)] - log_sum) - (c == targets[i] ? 1 : 0);
      for (Index k = 0; k < x.cols(); ++k) {
        dx(i, k) += scale * g * weight(c, k);
        dweight(c, k) += scale * g * x(i, k);
      }
      if (dbias != nullptr) dbias[c] += g;
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
