// SPDX-License-Identifier: Apache-2.0
// Dropout as its definition reads.
#pragma once

#include <cstdint>

#include "heed/core/random.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// y_i = 0 when word i mod 4 of counter i / 4, as a fraction of 2^32, is below p; x_i / (1 - p) otherwise. The way back
/// is the same map applied to dy.
inline void dropout(Random random, double p, Index size, const double* x, double* y) {
  for (Index i = 0; i < size; ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    const double fraction = random.words(at / 4)[at % 4] * 0x1p-32;
    y[i] = fraction < p ? 0.0 : x[i] / (1 - p);
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
