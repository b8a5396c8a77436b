// SPDX-License-Identifier: Apache-2.0
// factor * x + offset, with numbers.
#pragma once

#include "heed/kernels/scale.hpp"
#include "heed/ops/detail/elementwise.hpp"

namespace heed::inline HEED_ABI {

/// Returns factor * x + offset, elementwise.
template <class Scalar>
Var<Scalar> scale(Var<Scalar> x, double factor, double offset = 0) {
  const auto a = static_cast<Scalar>(factor), b = static_cast<Scalar>(offset);
  return detail::elementwise(
      x, [=](const auto& e) { kernels::scale_forward(e.size(), e.x, a, b, e.y); },
      [=](const auto& e) { kernels::add_scaled(e.size(), e.dy, a, e.dx); });
}

}  // namespace heed::inline HEED_ABI
