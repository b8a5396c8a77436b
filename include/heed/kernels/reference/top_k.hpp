// SPDX-License-Identifier: Apache-2.0
// The k best as the definition reads: sort everything.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// Items by score, descending, NaN last, equals by item; those in `excluded` left out; the first k.
inline std::vector<Index> top_k(std::span<const double> scores, Index k, std::span<const Index> excluded) {
  std::vector<Index> items(scores.size());
  std::iota(items.begin(), items.end(), Index{0});
  std::erase_if(items, [&](Index i) { return std::find(excluded.begin(), excluded.end(), i) != excluded.end(); });
  const auto key = [&](Index i) {
    const double score = scores[static_cast<std::size_t>(i)];
    return std::pair(std::isnan(score), std::isnan(score) ? 0.0 : -score);
  };
  std::stable_sort(items.begin(), items.end(), [&](Index a, Index b) { return key(a) < key(b); });
  items.resize(std::min(items.size(), static_cast<std::size_t>(k)));
  return items;
}

}  // namespace heed::inline HEED_ABI::kernels::reference
