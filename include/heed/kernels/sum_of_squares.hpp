// SPDX-License-Identifier: Apache-2.0
// The square of a norm, in double.
#pragma once

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels {

/// sum_i x[i]^2 in double, so that gradients of any size neither overflow nor lose small terms. Eight chains in a fixed
/// order: element i belongs to chain i mod 8, whatever the instruction set.
template <class Scalar>
double sum_of_squares(Index size, const Scalar* x) noexcept {
  constexpr Index chains = 8;
  double sums[chains] = {};
  Index i = 0;
  for (; i + chains <= size; i += chains) {
    for (Index j = 0; j < chains; ++j) sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  }
  for (Index j = 0; i + j < size; ++j) sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

}  // namespace heed::inline HEED_ABI::kernels
