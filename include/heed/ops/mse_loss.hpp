// SPDX-License-Identifier: Apache-2.0
// Squared error.
#pragma once

#include "heed/kernels/mse_loss.hpp"
#include "heed/ops/detail/reduction.hpp"

namespace heed::inline HEED_ABI {

/// Returns (prediction - target)^2, reduced to shape [] or, with Reduction::none, of the inputs' shape. Both inputs get
/// gradients. Throws ShapeError unless the shapes are equal.
template <class Scalar>
Var<Scalar> mse_loss(Var<Scalar> prediction, Var<Scalar> target, Reduction reduction = Reduction::mean) {
  return detail::pairwise_loss(
      "mse_loss", prediction, target, reduction, kernels::mse_loss_forward<Scalar>,
      [](Index n, const Scalar* x, const Scalar* t, const Scalar* dloss, Scalar scale, Scalar* dx, Scalar* dt) {
        if (dx != nullptr) kernels::mse_loss_backward<Scalar>(n, x, t, dloss, scale, dx);
        if (dt != nullptr) kernels::mse_loss_backward<Scalar>(n, t, x, dloss, scale, dt);
      });
}

}  // namespace heed::inline HEED_ABI
