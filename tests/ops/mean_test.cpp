// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/mean.hpp"

#include "heed/kernels/reference/reduce.hpp"
#include "ops/reduce_samples.hpp"

namespace heed::test {

namespace {

/// y[o, i] = sum_m x[o, m, i] / middle
void reference_mean(Index outer, Index middle, Index inner, const double* x, double* y) {
  kernels::reference::sum(outer, middle, inner, x, y);
  for (Index i = 0; i < outer * inner; ++i) y[i] /= static_cast<double>(middle);
}

}  // namespace

const SamplesOf mean_op("mean", []() -> OpSamples {
  return nonempty_reduce_samples(
      "mean", reference_mean, [](auto x) { return mean(x); }, [](auto x, int axis) { return mean(x, axis); },
      [](auto x, const Segments& segments, auto... empty) { return mean(x, segments, empty...); });
});

}  // namespace heed::test
