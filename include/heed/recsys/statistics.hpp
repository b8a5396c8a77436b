// SPDX-License-Identifier: Apache-2.0
// Mean and standard deviation over users or seeds.
#pragma once

#include <cmath>
#include <span>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Returns the arithmetic mean; 0 without values.
inline double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// Returns the sample standard deviation (divisor n - 1); 0 for fewer than two values.
inline double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace heed::inline HEED_ABI::recsys
