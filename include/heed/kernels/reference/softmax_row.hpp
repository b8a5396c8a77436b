// SPDX-License-Identifier: Apache-2.0
// Softmax of one row, directly from its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// p_j = exp(s_j) / sum_k exp(s_k) over the visible j (s_j > -infinity), 0 elsewhere.
/// Returns log sum_k exp(s_k), or 0 if nothing is visible.
inline double softmax_row(Index size, const double* s, double* p) {
  const double infinity = std::numeric_limits<double>::infinity();
  double top = -infinity, sum = 0;
  for (Index j = 0; j < size; ++j) top = std::max(top, s[j]);
  for (Index j = 0; j < size; ++j) p[j] = s[j] == -infinity ? 0.0 : std::exp(s[j] - top);
  for (Index j = 0; j < size; ++j) sum += p[j];
  for (Index j = 0; j < size; ++j) p[j] = sum == 0 ? 0.0 : p[j] / sum;
  return sum == 0 ? 0.0 : top + std::log(sum);
}

}  // namespace heed::inline HEED_ABI::kernels::reference
