// SPDX-License-Identifier: Apache-2.0
// a - b, elementwise.
#pragma once

#include "heed/ops/detail/broadcast.hpp"

namespace heed::inline HEED_ABI {

/// a - b, elementwise. Sizes of 1, and dimensions missing in front, are repeated
/// as numpy does. Throws ShapeError when the shapes do not fit. Also spelled `a - b` (ops/operators.hpp).
template <class Scalar>
Var<Scalar> subtract(Var<Scalar> a, Var<Scalar> b) {
  return detail::arithmetic("subtract", kernels::Arithmetic::subtract, a, b);
}

}  // namespace heed::inline HEED_ABI
