// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/max.hpp"

#include <cmath>

#include "heed/kernels/reference/reduce.hpp"
#include "ops/reduce_samples.hpp"

namespace heed::test {

template <>
OpSamples samples<op::max>() {
  const auto over_axis = [](auto x, int axis) { return max(x, axis); };
  const auto over_segments = [](auto x, const Segments& segments) { return max(x, segments, -2.5); };
  OpSamples out{reduce_samples(
                    kernels::reference::max, -2.5, [](auto x) { return max(x); }, over_axis, over_segments),
                reduce_refusals("max", over_axis, over_segments)};
  out.bad.push_back(bad_call(
      "of nothing", {{0, 4}}, [](auto x) { max(x[0]); }, "max: nothing to reduce in [0, 4]"));
  out.bad.push_back(bad_call(
      "over no rows", {{0, 4}}, [](auto x) { max(x[0], 0); }, "max: nothing to reduce"));
  out.bad.push_back(bad_call(
      "an empty segment", {{3, 4}},
      [](auto x) {
        max(x[0], Segments{2, 0, 1});
      },
      "max: segment 1 is empty, and has no default"));
  return out;
}

}  // namespace heed::test

TEST_CASE("the gradient of a maximum goes to the first of equals, and NaN is greatest") {
  using namespace heed;
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({1, 7, 7, 2}));
  backward(max(x));
  CHECK(Tensor<double>(x.gradient()).vector() == Tensor<double>::of({0, 1, 0, 0}).vector());
  CHECK(std::isnan(max(tape.constant(Tensor<double>::of({1, NAN, 7}))).item()));
  CHECK(std::isnan(max(tape.constant(Tensor<double>::of({NAN, 1}))).item()));
  CHECK(max(tape.constant(Tensor<double>::of({-INFINITY, -INFINITY}))).item() == -INFINITY);
}
