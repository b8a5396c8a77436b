// SPDX-License-Identifier: Apache-2.0
// A gated product, directly from its definition.
#pragma once

#include "heed/kernels/reference/activation.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// y = residual + activation(gate) value
inline double gated_product(Activation kind, double gate, double value, double residual) {
  return residual + activation(kind, gate) * value;
}

/// dgate = activation'(gate) value dy,  dvalue = activation(gate) dy,  dresidual = dy
inline void gated_product_backward(Activation kind, double gate, double value, double dy, double& dgate, double& dvalue,
                                   double& dresidual) {
  dgate += activation_slope(kind, gate) * value * dy;
  dvalue += activation(kind, gate) * dy;
  dresidual += dy;
}

}  // namespace heed::inline HEED_ABI::kernels::reference
