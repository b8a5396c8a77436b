// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/sum.hpp"

#include "heed/kernels/reference/reduce.hpp"
#include "ops/reduce_samples.hpp"

namespace heed::test {

const SamplesOf sum_op("sum", []() -> OpSamples {
  const auto over_axis = [](auto x, int axis) { return sum(x, axis); };
  const auto over_segments = [](auto x, const Segments& segments) { return sum(x, segments); };
  OpSamples out{reduce_samples(
                    kernels::reference::sum, 0, [](auto x) { return sum(x); }, over_axis, over_segments),
                reduce_refusals("sum", over_axis, over_segments)};
  out.good.push_back(sample(
      "of nothing", {Tensor<double>({0, 4})}, [](auto&, auto x) { return sum(x[0]); },
      [](std::span<const Tensor<double>>) { return Tensor<double>::scalar(0); }));
  out.good.push_back(sample(
      "over no rows", {Tensor<double>({0, 4})}, [](auto&, auto x) { return sum(x[0], 0); },
      [](std::span<const Tensor<double>>) { return Tensor<double>({4}); }));
  return out;
});

}  // namespace heed::test

TEST_CASE("a long sum is accurate in float") {
  using namespace heed;
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>::full({200000, 3}, 0.1f));
  const double exact = 200000 * static_cast<double>(0.1f);
  CHECK(sum(x).item() == Approx(3 * exact).epsilon(5e-6));
  CHECK(sum(x, 0).value()[1] == Approx(exact).epsilon(1e-5));
}
