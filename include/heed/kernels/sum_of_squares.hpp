// SPDX-License-Identifier: Apache-2.0
// The square of a norm, in double.
#pragma once

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Computes sum_i x[i]^2 in double, so that gradients of any size neither overflow nor lose small terms. Uses eight
/// chains in a fixed order: element i belongs to chain i mod 8, whatever the instruction set. Omitting parts that are 0
/// does not change the bits.
class SumOfSquares {
 public:
  /// Adds elements [begin, end) of x, after those that were added before.
  template <class Scalar>
  void add(Index begin, Index end, const Scalar* x) noexcept {
    double sums[chains];  // local, so that the compiler keeps them in registers
    for (Index j = 0; j < chains; ++j) sums[j] = sums_[j];
    const auto square = [x](Index i) { return static_cast<double>(x[i]) * static_cast<double>(x[i]); };
    Index i = begin;
    for (; i < end && i % chains != 0; ++i) sums[i % chains] += square(i);
    for (; i + chains <= end; i += chains) {
      for (Index j = 0; j < chains; ++j) sums[j] += square(i + j);
    }
    for (Index j = 0; i + j < end; ++j) sums[j] += square(i + j);
    for (Index j = 0; j < chains; ++j) sums_[j] = sums[j];
  }
  double total() const noexcept {
    return ((sums_[0] + sums_[4]) + (sums_[2] + sums_[6])) + ((sums_[1] + sums_[5]) + (sums_[3] + sums_[7]));
  }

 private:
  static constexpr Index chains = 8;
  double sums_[chains] = {};
};

}  // namespace heed::inline HEED_ABI::kernels
