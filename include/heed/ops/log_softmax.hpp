// SPDX-License-Identifier: Apache-2.0
// The logarithm of softmax over the last dimension, with a mask.
#pragma once

#include "heed/ops/detail/softmax.hpp"

namespace heed::inline HEED_ABI {

/// Returns y_j = x_j - log sum_k e^x_k over the last dimension, with a mask as in `softmax`. Hidden elements, and all
/// elements of a fully hidden row, get -infinity (the logarithm of weight 0) and gradient 0. Throws ShapeError for a
/// scalar or a mask that does not match.
template <class Scalar>
Var<Scalar> log_softmax(Var<Scalar> x, const Mask& mask = {}) {
  return detail::softmax_rows("log_softmax", x, mask, true);
}

}  // namespace heed::inline HEED_ABI
