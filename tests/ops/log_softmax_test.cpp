// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/log_softmax.hpp"

#include "heed/kernels/reference/softmax.hpp"
#include "ops/softmax_samples.hpp"

namespace heed::test {

const SamplesOf log_softmax_op("log_softmax", []() -> OpSamples {
  const auto call = [](auto x, const Mask& mask) { return log_softmax(x, mask); };
  return {softmax_samples(call, kernels::reference::log_softmax), softmax_refusals("log_softmax", call)};
});

}  // namespace heed::test

TEST_CASE("log_softmax is exact for scores far apart") {
  using namespace heed;
  Tape<float> tape;
  const auto y = log_softmax(tape.constant(Tensor<float>::of({1000, 0}))).value();
  CHECK(y[0] == 0.0f);
  CHECK(y[1] == -1000.0f);
}
