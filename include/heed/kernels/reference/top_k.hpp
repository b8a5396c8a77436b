// SPDX-License-Identifier: Apache-2.0
// The k best, directly from the definition: sorts all items.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// Returns the first k items by descending score, NaN last, ties by the smaller item, without those in `excluded`.
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

/// query . table_i + bias_i (bias null: 0)
inline std::vector<double> table_scores(TensorView<const double> table, const double* query, const double* bias) {
  std::vector<double> scores(static_cast<std::size_t>(table.rows()));
  for (Index i = 0; i < table.rows(); ++i) {
    double& score = scores[static_cast<std::size_t>(i)] = bias != nullptr ? bias[i] : 0;
    for (Index j = 0; j < table.cols(); ++j) score += query[j] * table(i, j);
  }
  return scores;
}

}  // namespace heed::inline HEED_ABI::kernels::reference
