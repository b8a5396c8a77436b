// SPDX-License-Identifier: Apache-2.0
// The attention mass on an item: the sum of the weights at all its occurrences.
#pragma once

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels {

/// mass[t] = sum of weights[j] over the keys with key_items[j] == targets[t], in ascending order of j.
template <class Scalar>
void pointer_mass_forward(Index keys, const Scalar* weights, const Index* key_items, Index targets,
                          const Index* target_items, Scalar* mass) noexcept {
  for (Index t = 0; t < targets; ++t) {
    Scalar sum = 0;
    for (Index j = 0; j < keys; ++j) {
      if (key_items[j] == target_items[t]) sum += weights[j];
    }
    mass[t] = sum;
  }
}

/// d_weights[j] += d_mass[t] where key j holds target t.
template <class Scalar>
void pointer_mass_backward(Index keys, const Index* key_items, Index targets, const Index* target_items,
                           const Scalar* d_mass, Scalar* d_weights) noexcept {
  for (Index t = 0; t < targets; ++t) {
    for (Index j = 0; j < keys; ++j) {
      if (key_items[j] == target_items[t]) d_weights[j] += d_mass[t];
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels
