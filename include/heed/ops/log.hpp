// SPDX-License-Identifier: Apache-2.0
// ln x, elementwise.
#pragma once

#include "heed/kernels/log.hpp"
#include "heed/ops/detail/elementwise.hpp"

namespace heed::inline HEED_ABI {

/// Returns ln x, elementwise: -infinity for 0, NaN for negative x.
template <class Scalar>
Var<Scalar> log(Var<Scalar> x) {
  return detail::elementwise(
      x, [](const auto& e) { kernels::log_forward(e.size(), e.x, e.y); },
      [](const auto& e) { kernels::log_backward<Scalar>(e.size(), e.x, e.dy, e.dx); });
}

}  // namespace heed::inline HEED_ABI
