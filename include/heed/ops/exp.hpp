// SPDX-License-Identifier: Apache-2.0
// e^x, elementwise.
#pragma once

#include "heed/kernels/exp.hpp"
#include "heed/ops/detail/elementwise.hpp"

namespace heed::inline HEED_ABI {

/// Returns e^x, elementwise.
template <class Scalar>
Var<Scalar> exp(Var<Scalar> x) {
  return detail::elementwise(
      x, [](const auto& e) { kernels::exp_forward(e.size(), e.x, e.y); },
      [](const auto& e) { kernels::exp_backward<Scalar>(e.size(), e.y, e.dy, e.dx); });
}

}  // namespace heed::inline HEED_ABI
