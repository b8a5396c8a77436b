// SPDX-License-Identifier: Apache-2.0
// Sums, means and maxima, directly from their definitions.
#pragma once

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// y[o, i] = sum_m x[o, m, i]: x seen as [outer, middle, inner], reduced over the middle.
inline void sum(Index outer, Index middle, Index inner, const double* x, double* y) {
  for (Index o = 0; o < outer; ++o) {
    for (Index i = 0; i < inner; ++i) {
      double total = 0;
      for (Index m = 0; m < middle; ++m) total += x[(o * middle + m) * inner + i];
      y[o * inner + i] = total;
    }
  }
}

/// y[o, i] = max_m x[o, m, i]; middle > 0.
inline void max(Index outer, Index middle, Index inner, const double* x, double* y) {
  for (Index o = 0; o < outer; ++o) {
    for (Index i = 0; i < inner; ++i) {
      double most = x[o * middle * inner + i];
      for (Index m = 1; m < middle; ++m) {
        const double at = x[(o * middle + m) * inner + i];
        most = at > most ? at : most;
      }
      y[o * inner + i] = most;
    }
  }
}

/// sum_i x_i y_i
inline double dot(Index size, const double* x, const double* y) {
  double total = 0;
  for (Index i = 0; i < size; ++i) total += x[i] * y[i];
  return total;
}

}  // namespace heed::inline HEED_ABI::kernels::reference
