// SPDX-License-Identifier: Apache-2.0
// a / b, elementwise.
#pragma once

#include "heed/ops/detail/broadcast.hpp"

namespace heed::inline HEED_ABI {

/// Returns a / b, elementwise, with the broadcasting rules of numpy. Throws ShapeError when the shapes cannot be
/// broadcast together. Also available as the operator `a / b` (ops/operators.hpp).
template <class Scalar>
Var<Scalar> divide(Var<Scalar> a, Var<Scalar> b) {
  return detail::arithmetic("divide", kernels::Arithmetic::divide, a, b);
}

}  // namespace heed::inline HEED_ABI
