// SPDX-License-Identifier: Apache-2.0
// Stochastic gradient descent, as in PyTorch's documentation (dampening 0).
#pragma once

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// g <- g + L p; b <- mu b + g; p <- p - lr (nesterov ? g + mu b : b). With mu = 0 the direction is g. Zeroes g.
inline void sgd(double lr, double mu, bool nesterov, double weight_decay, Index size, double* p, double* g, double* b) {
  for (Index i = 0; i < size; ++i) {
    const double slope = g[i] + weight_decay * p[i];
    b[i] = mu * b[i] + slope;
    p[i] -= lr * (nesterov ? slope + mu * b[i] : b[i]);
    g[i] = 0;
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
