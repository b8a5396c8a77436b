// SPDX-License-Identifier: Apache-2.0
// Wall time for reports and progress; no result depends on it.
#pragma once

#include <chrono>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// Measures the seconds since its construction, on a clock that never runs backward.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace heed::inline HEED_ABI
