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

template <>
OpSamples samples<op::mean>() {
  const auto over_axis = [](auto x, int axis) { return mean(x, axis); };
  const auto over_segments = [](auto x, const Segments& segments) { return mean(x, segments, -2.5); };
  OpSamples out{reduce_samples(
                    reference_mean, -2.5, [](auto x) { return mean(x); }, over_axis, over_segments),
                reduce_refusals("mean", over_axis, over_segments)};
  out.bad.push_back(bad_call(
      "of nothing", {{0, 4}}, [](auto x) { mean(x[0]); }, "mean: nothing to reduce in [0, 4]"));
  out.bad.push_back(bad_call(
      "over no rows", {{0, 4}}, [](auto x) { mean(x[0], 0); }, "mean: nothing to reduce"));
  out.bad.push_back(bad_call(
      "an empty segment", {{3, 4}},
      [](auto x) {
        mean(x[0], Segments{2, 0, 1});
      },
      "mean: segment 1 is empty, and has no default"));
  return out;
}

}  // namespace heed::test
