// SPDX-License-Identifier: Apache-2.0
// The matrix product, directly from its definition.
#pragma once

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// c_mn = sum_k a_mk b_kn + bias_n
inline void gemm(TensorView<const double> a, TensorView<const double> b, const double* bias, TensorView<double> c) {
  for (Index m = 0; m < c.rows(); ++m) {
    for (Index n = 0; n < c.cols(); ++n) {
      double sum = bias == nullptr ? 0.0 : bias[n];
      for (Index k = 0; k < a.cols(); ++k) sum += a(m, k) * b(k, n);
      c(m, n) = sum;
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
