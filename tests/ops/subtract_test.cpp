// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/subtract.hpp"

#include "ops/broadcast_samples.hpp"

namespace heed::test {

const SamplesOf subtract_op("subtract", []() -> OpSamples {
  return broadcast_samples("subtract", kernels::Arithmetic::subtract, [](auto a, auto b) { return subtract(a, b); });
});

}  // namespace heed::test
