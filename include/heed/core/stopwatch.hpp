// SPDX-License-Identifier: Apache-2.0
// Wall-clock time for reports and progress messages; no result depends on it.
#pragma once

#include <chrono>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// Measures the seconds since its construction on a monotonic clock.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace heed::inline HEED_ABI
