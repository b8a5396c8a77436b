// SPDX-License-Identifier: Apache-2.0
// Binary cross-entropy of logits.
#pragma once

#include "heed/kernels/bce_with_logits.hpp"
#include "heed/ops/detail/reduction.hpp"

namespace heed::inline HEED_ABI {

/// Returns -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) for logits x and targets t in [0, 1], numerically stable for
/// logits of any size, reduced to shape [] or, with Reduction::none, of the inputs' shape. Both inputs get gradients.
/// Throws ShapeError unless the shapes are equal.
template <class Scalar>
Var<Scalar> bce_with_logits(Var<Scalar> logits, Var<Scalar> targets, Reduction reduction = Reduction::mean) {
  return detail::pairwise_loss("bce_with_logits", logits, targets, reduction, kernels::bce_with_logits_forward<Scalar>,
                               kernels::bce_with_logits_backward<Scalar>);
}

}  // namespace heed::inline HEED_ABI
