// SPDX-License-Identifier: Apache-2.0
// Dropout, directly from its definition.
#pragma once

#include <cmath>
#include <cstdint>

#include "heed/core/random.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// Returns the factor of element e of a stream: 1 / keep if the element's 16 bits are below 65536 keep, rounded; 0
/// otherwise. 128 elements share 16 blocks of four words, the low half of a word first.
inline double dropout_factor(Random random, std::uint64_t e, double keep) {
  const std::uint64_t lane = e % 16, number = e % 128 / 16;
  const std::uint32_t word = random.words(e / 128 * 16 + lane)[number / 2];
  const std::uint32_t bits = number % 2 == 0 ? word & 0xffff : word >> 16;
  return bits < std::fmax(1, std::floor(65536 * keep + 0.5)) ? 1 / keep : 0;
}

/// y_i = x_i times the factor of element i, 0 where that is 0. The backward pass applies the same map to dy.
inline void dropout(Random random, double p, Index size, const double* x, double* y) {
  for (Index i = 0; i < size; ++i) {
    const double factor = dropout_factor(random, static_cast<std::uint64_t>(i), 1 - p);
    y[i] = factor == 0 ? 0 : factor * x[i];
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
