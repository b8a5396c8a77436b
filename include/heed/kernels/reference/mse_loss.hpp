// SPDX-License-Identifier: Apache-2.0
// Squared error, directly from its definition.
#pragma once

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// loss_i = (x_i - t_i)^2
inline void mse_loss(Index size, const double* x, const double* target, double* loss) {
  for (Index i = 0; i < size; ++i) loss[i] = (x[i] - target[i]) * (x[i] - target[i]);
}

/// dx_i = 2 g_i (x_i - t_i). Adds to its output.
inline void mse_loss_backward(Index size, const double* x, const double* target, const double* dloss, double* dx) {
  for (Index i = 0; i < size; ++i) dx[i] += 2 * dloss[i] * (x[i] - target[i]);
}

}  // namespace heed::inline HEED_ABI::kernels::reference
