// SPDX-License-Identifier: Apache-2.0
// The activation functions, directly from their definitions.
#pragma once

#include <cmath>

#include "heed/kernels/activation.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// 1 / (1 + e^-x)
inline double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

inline double activation(Activation kind, double x) {
  switch (kind) {
    case Activation::relu:
      return x > 0 ? x : 0.0;
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::tanh:
      return std::tanh(x);
    case Activation::silu:
      return x * sigmoid(x);
    case Activation::gelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::identity:
      break;
  }
  return x;
}

/// d activation / dx
inline double activation_slope(Activation kind, double x) {
  switch (kind) {
    case Activation::relu:
      return x > 0 ? 1.0 : 0.0;
    case Activation::sigmoid:
      return sigmoid(x) * (1.0 - sigmoid(x));
    case Activation::tanh:
      return 1.0 - std::tanh(x) * std::tanh(x);
    case Activation::silu:
      return sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)));
    case Activation::gelu:
      return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-0.5 * x * x) / std::sqrt(2.0 * M_PI);
    case Activation::gelu_tanh: {
      const double c = std::sqrt(2.0 / M_PI), t = std::tanh(c * (x + 0.044715 * x * x * x));
      return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * c * (1.0 + 3.0 * 0.044715 * x * x);
    }
    case Activation::identity:
      break;
  }
  return 1.0;
}

}  // namespace heed::inline HEED_ABI::kernels::reference
