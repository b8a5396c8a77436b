// SPDX-License-Identifier: Apache-2.0
// Losses against sampled negatives, directly from their definitions.
#pragma once

#include <cmath>

#include "heed/kernels/sampled_loss.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// log (1 + e^x)
inline double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

/// Returns the loss of one row of logits, the target's first; -infinity hides a negative.
inline double sampled_loss(SampledLoss kind, double beta, Index candidates, const double* logits) {
  const double target = logits[0];
  double sum = 0;
  if (kind == SampledLoss::softmax) {
    for (Index j = 0; j < candidates; ++j) sum += std::exp(logits[j] - target);
    return std::log(sum);
  }
  for (Index j = 1; j < candidates; ++j) sum += softplus(logits[j]);
  if (kind == SampledLoss::bce) return softplus(-target) + sum;
  return (beta * softplus(-target) + sum) / static_cast<double>(candidates);
}

/// Writes its gradient with respect to each logit to d.
inline void sampled_loss_backward(SampledLoss kind, double beta, Index candidates, const double* logits, double* d) {
  double sum = 0;
  for (Index j = 0; j < candidates; ++j) sum += std::exp(logits[j] - logits[0]);
  const double share = kind == SampledLoss::gbce ? 1 / static_cast<double>(candidates) : 1;
  for (Index j = 0; j < candidates; ++j) {
    const double p = 1 / (1 + std::exp(-logits[j]));
    if (kind == SampledLoss::softmax) {
      d[j] = std::exp(logits[j] - logits[0]) / sum - (j == 0 ? 1 : 0);
    } else {
      d[j] = share * (j > 0 ? p : (kind == SampledLoss::gbce ? beta : 1) * (p - 1));
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
