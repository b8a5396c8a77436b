// SPDX-License-Identifier: Apache-2.0
// Samples items by popularity.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "heed/core/error.hpp"
#include "heed/core/random.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Samples item i with probability count_i^alpha / sum_j count_j^alpha in constant time (Walker's alias method, built
/// as in Vose 1991). Counts of 0 are treated as 1, as such an item may still be a target.
class ItemSampler {
 public:
  /// Throws OptionError without items, for a negative count, for an alpha that is not finite.
  ItemSampler(std::span<const Index> counts, double alpha)
      : log_probabilities_(counts.size()), keep_(counts.size()), alias_(counts.size()) {
    const std::size_t n = counts.size();
    if (n == 0 || !std::isfinite(alpha)) fail<OptionError>("ItemSampler", n, " items, alpha ", alpha);
    const Index greatest = std::max<Index>(1, *std::max_element(counts.begin(), counts.end()));
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (counts[i] < 0) fail<OptionError>("ItemSampler", "item ", i, " has count ", counts[i]);
      const double share = static_cast<double>(std::max<Index>(1, counts[i])) / static_cast<double>(greatest);
      log_probabilities_[i] = alpha * std::log(share);
      total += keep_[i] = std::exp(log_probabilities_[i]);
    }
    std::vector<std::size_t> cells(n);  // with less than the mean probability from the front, others from the back
    std::size_t small = 0, large = n;
    for (std::size_t i = 0; i < n; ++i) {
      log_probabilities_[i] -= std::log(total);
      alias_[i] = static_cast<Index>(i);
      keep_[i] *= static_cast<double>(n) / total;
      cells[keep_[i] < 1 ? small++ : --large] = i;
    }
    while (small > 0 && large < n) {
      const std::size_t from = cells[large], to = cells[--small];
      alias_[to] = static_cast<Index>(from);
      keep_[from] -= 1 - keep_[to];
      if (keep_[from] < 1) {
        cells[small++] = from;
        ++large;
      }
    }
    while (small > 0) keep_[cells[--small]] = 1;  // left over by rounding errors
  }

  Index num_items() const { return std::ssize(alias_); }
  /// Returns the sample with index `counter` of a random stream.
  Index operator()(const Random& random, std::uint64_t counter) const {
    const double place = random.uniform(counter) * static_cast<double>(num_items());
    const Index cell = std::min(static_cast<Index>(place), num_items() - 1);
    const auto i = static_cast<std::size_t>(cell);
    return place - static_cast<double>(cell) < keep_[i] ? cell : alias_[i];
  }
  /// Returns the logarithm of each item's sampling probability, [items].
  std::span<const double> log_probabilities() const { return log_probabilities_; }

 private:
  std::vector<double> log_probabilities_, keep_;  ///< the share of a cell that belongs to its own item
  std::vector<Index> alias_;                      ///< the item of the rest of the cell
};

}  // namespace heed::inline HEED_ABI::recsys
