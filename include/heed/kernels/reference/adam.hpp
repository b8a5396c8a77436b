// SPDX-License-Identifier: Apache-2.0
// Adam and AdamW, as in PyTorch's documentation.
#pragma once

#include <cmath>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// AdamW (decoupled): p <- p (1 - lr L); Adam: g <- g + L p. Then m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
/// p <- p - lr m' / (sqrt(v') + eps), m' = m / (1 - b1^t), v' = v / (1 - b2^t). Zeroes g.
inline void adam(double lr, double b1, double b2, double eps, double weight_decay, bool decoupled, int t, Index size,
                 double* p, double* g, double* m, double* v) {
  for (Index i = 0; i < size; ++i) {
    if (decoupled) {
      p[i] *= 1 - lr * weight_decay;
    } else {
      g[i] += weight_decay * p[i];
    }
    m[i] = b1 * m[i] + (1 - b1) * g[i];
    v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
    p[i] -= lr * (m[i] / (1 - std::pow(b1, t))) / (std::sqrt(v[i] / (1 - std::pow(b2, t))) + eps);
    g[i] = 0;
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
