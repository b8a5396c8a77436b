// SPDX-License-Identifier: Apache-2.0
// Softmax, directly from its definition.
#pragma once

#include <cmath>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// Returns ln sum_k e^x_k over elements `stride` apart; -infinity if all are.
inline double log_sum_exp(Index size, Index stride, const double* x) {
  double top = -INFINITY, sum = 0;
  for (Index j = 0; j < size; ++j) top = std::fmax(top, x[j * stride]);
  for (Index j = 0; j < size; ++j) sum += x[j * stride] == -INFINITY ? 0.0 : std::exp(x[j * stride] - top);
  return top + std::log(sum);
}

/// y_j = e^x_j / sum_k e^x_k over elements `stride` apart. -infinity hides; if all are hidden, y is 0.
inline void softmax(Index size, Index stride, const double* x, double* y) {
  const double log_sum = log_sum_exp(size, stride, x);
  for (Index j = 0; j < size; ++j) y[j * stride] = x[j * stride] == -INFINITY ? 0.0 : std::exp(x[j * stride] - log_sum);
}

/// y_j = x_j - ln sum_k e^x_k; -infinity where hidden.
inline void log_softmax(Index size, Index stride, const double* x, double* y) {
  const double log_sum = log_sum_exp(size, stride, x);
  for (Index j = 0; j < size; ++j) y[j * stride] = x[j * stride] == -INFINITY ? -INFINITY : x[j * stride] - log_sum;
}

}  // namespace heed::inline HEED_ABI::kernels::reference
