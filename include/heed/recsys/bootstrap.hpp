// SPDX-License-Identifier: Apache-2.0
// The paired bootstrap: whether model a is significantly better than model b on these users.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/random.hpp"
#include "heed/recsys/statistics.hpp"

namespace heed::inline HEED_ABI::recsys {

struct BootstrapOptions {
  Index resamples = 10000;
  double level = 0.95;  ///< confidence level: the share of resampled means inside the interval

  void fields(auto&& visitor) { visitor("resamples", resamples, "level", level); }
};

/// A mean difference and its confidence interval.
struct MeanDifference {
  double mean = 0;
  double low = 0;
  double high = 0;
};

/// Returns the mean over users of a - b (entry i of both is the same user) with a percentile interval: users are
/// resampled with replacement, keeping the pairs (Efron and Tibshirani 1993, ch. 13). Throws ShapeError when the sizes
/// differ or are 0, OptionError on a level outside (0, 1) or without resamples.
inline MeanDifference paired_bootstrap(std::span<const double> a, std::span<const double> b, Random random,
                                       const BootstrapOptions& options = {}) {
  if (a.size() != b.size() || a.empty()) {
    fail<ShapeError>("paired_bootstrap", "wanted the same users in both columns, got ", a.size(), " and ", b.size());
  }
  if (options.resamples < 1 || !(options.level > 0 && options.level < 1)) {
    fail<OptionError>("paired_bootstrap", "wanted resamples >= 1 and a level in (0, 1), got ", options.resamples,
                      " and ", options.level);
  }
  const auto n = static_cast<Index>(a.size());
  std::vector<double> difference(a.size()), means(static_cast<std::size_t>(options.resamples));
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  std::uint64_t draw = 0;
  for (double& mean : means) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += difference[static_cast<std::size_t>(random.below(draw++, n))];
    mean = sum / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  // Linear interpolation between the two nearest resamples.
  const auto quantile = [&](double share) {
    const double at = share * static_cast<double>(means.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const auto above = std::min(below + 1, means.size() - 1);
    return means[below] + (at - std::floor(at)) * (means[above] - means[below]);
  };
  return {
      .mean = mean(difference), .low = quantile((1 - options.level) / 2), .high = quantile((1 + options.level) / 2)};
}

}  // namespace heed::inline HEED_ABI::recsys
