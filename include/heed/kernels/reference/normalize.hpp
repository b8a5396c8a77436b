// SPDX-License-Identifier: Apache-2.0
// Normalisation of rows to length 1, directly from its definition.
#pragma once

#include <algorithm>
#include <cmath>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// y_ij = x_ij / max(|x_i|, epsilon)
inline void normalize(TensorView<const double> x, double epsilon, TensorView<double> y) {
  for (Index i = 0; i < x.rows(); ++i) {
    double squares = 0;
    for (Index j = 0; j < x.cols(); ++j) squares += x(i, j) * x(i, j);
    for (Index j = 0; j < x.cols(); ++j) y(i, j) = x(i, j) / std::max(std::sqrt(squares), epsilon);
  }
}

/// dx_ij += (dy_ij - x_ij / |x_i|^2 sum_k x_ik dy_ik) / |x_i|, or dy_ij / epsilon where |x_i| < epsilon.
inline void normalize_backward(TensorView<const double> x, double epsilon, TensorView<const double> dy,
                               TensorView<double> dx) {
  for (Index i = 0; i < x.rows(); ++i) {
    double squares = 0, along = 0;
    for (Index j = 0; j < x.cols(); ++j) {
      squares += x(i, j) * x(i, j);
      along += x(i, j) * dy(i, j);
    }
    const double norm = std::sqrt(squares);
    for (Index j = 0; j < x.cols(); ++j) {
      dx(i, j) += norm < epsilon ? dy(i, j) / epsilon : (dy(i, j) - x(i, j) * along / squares) / norm;
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
