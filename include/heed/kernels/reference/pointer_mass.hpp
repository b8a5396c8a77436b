// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// The mass on one item: sum over j with item_j = item of w_j.
inline double pointer_mass(std::span<const double> weights, std::span<const Index> items, Index item) {
  double sum = 0;
  for (std::size_t j = 0; j < weights.size(); ++j) sum += items[j] == item ? weights[j] : 0.0;
  return sum;
}

}  // namespace heed::inline HEED_ABI::kernels::reference
