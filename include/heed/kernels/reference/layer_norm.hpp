// SPDX-License-Identifier: Apache-2.0
// Layer normalisation, directly from its definition.
#pragma once

#include <cmath>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// y_ij = (x_ij - mean_i) / sqrt(var_i + epsilon) w_j + b_j, var_i = 1/n sum_j (x_ij - mean_i)^2
inline void layer_norm(TensorView<const double> x, const double* weight, const double* bias, double epsilon,
                       TensorView<double> y) {
  const double n = static_cast<double>(x.cols());
  for (Index i = 0; i < x.rows(); ++i) {
    double mean = 0, variance = 0;
    for (Index j = 0; j < x.cols(); ++j) mean += x(i, j) / n;
    for (Index j = 0; j < x.cols(); ++j) variance += (x(i, j) - mean) * (x(i, j) - mean) / n;
    for (Index j = 0; j < x.cols(); ++j)
      y(i, j) = (x(i, j) - mean) / std::sqrt(variance + epsilon) * weight[j] + bias[j];
  }
}

/// dx_ij = 1/s (g_ij - 1/n sum_k g_ik - n_ij/n sum_k g_ik n_ik), dw_j = sum_i dy_ij n_ij, db_j = sum_i dy_ij,
/// with s = sqrt(var_i + epsilon), n_ij = (x_ij - mean_i) / s, g_ij = dy_ij w_j. Adds to its outputs.
inline void layer_norm_backward(TensorView<const double> x, const double* weight, double epsilon,
                                TensorView<const double> dy, TensorView<double> dx, double* dweight, double* dbias) {
  const double n = static_cast<double>(x.cols());
  for (Index i = 0; i < x.rows(); ++i) {
    double mean = 0, variance = 0, direct = 0, along = 0;
    for (Index j = 0; j < x.cols(); ++j) mean += x(i, j) / n;
    for (Index j = 0; j < x.cols(); ++j) variance += (x(i, j) - mean) * (x(i, j) - mean) / n;
    const double s = std::sqrt(variance + epsilon);
    for (Index j = 0; j < x.cols(); ++j) {
      const double normal = (x(i, j) - mean) / s;
      direct += dy(i, j) * weight[j] / n;
      along += dy(i, j) * weight[j] * normal / n;
      dweight[j] += dy(i, j) * normal;
      dbias[j] += dy(i, j);
    }
    for (Index j = 0; j < x.cols(); ++j) {
      dx(i, j) += (dy(i, j) * weight[j] - direct - (x(i, j) - mean) / s * along) / s;
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
