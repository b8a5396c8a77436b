// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/max.hpp"

#include <cmath>

#include "heed/kernels/reference/reduce.hpp"
#include "ops/reduce_samples.hpp"

namespace heed::test {

const SamplesOf max_op("max", []() -> OpSamples {
  return nonempty_reduce_samples(
      "max", kernels::reference::max, [](auto x) { return max(x); }, [](auto x, int axis) { return max(x, axis); },
      [](auto x, const Segments& segments, auto... empty) { return max(x, segments, empty...); });
});

}  // namespace heed::test

TEST_CASE("the first of equal maxima gets the gradient and NaN counts as the maximum") {
  using namespace heed;
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({1, 7, 7, 2}));
  backward(max(x));
  CHECK(Tensor<double>(x.gradient()).vector() == Tensor<double>::of({0, 1, 0, 0}).vector());
  CHECK(std::isnan(max(tape.constant(Tensor<double>::of({1, NAN, 7}))).item()));
  CHECK(std::isnan(max(tape.constant(Tensor<double>::of({NAN, 1}))).item()));
  CHECK(max(tape.constant(Tensor<double>::of({-INFINITY, -INFINITY}))).item() == -INFINITY);
}
