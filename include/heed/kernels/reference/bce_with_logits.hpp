// SPDX-License-Identifier: Apache-2.0
// Binary cross-entropy of logits, directly from its definition.
#pragma once

#include <cmath>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// loss_i = -t_i log sigmoid(x_i) - (1 - t_i) log sigmoid(-x_i), -log sigmoid(x) = max(-x, 0) + log(1 + e^-|x|)
inline void bce_with_logits(Index size, const double* logit, const double* target, double* loss) {
  const auto cost = [](double x) { return std::fmax(-x, 0.0) + std::log1p(std::exp(-std::fabs(x))); };
  for (Index i = 0; i < size; ++i) loss[i] = target[i] * cost(logit[i]) + (1 - target[i]) * cost(-logit[i]);
}

/// dx_i = g_i (sigmoid(x_i) - t_i), dt_i = -g_i x_i. Adds to its outputs.
inline void bce_with_logits_backward(Index size, const double* logit, const double* target, const double* dloss,
                                     double* dlogit, double* dtarget) {
  for (Index i = 0; i < size; ++i) {
    dlogit[i] += dloss[i] * (1 / (1 + std::exp(-logit[i])) - target[i]);
    dtarget[i] -= dloss[i] * logit[i];
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
