// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/divide.hpp"

#include "ops/broadcast_samples.hpp"

namespace heed::test {

const SamplesOf divide_op("divide", []() -> OpSamples {
  return broadcast_samples("divide", kernels::Arithmetic::divide, [](auto a, auto b) { return divide(a, b); });
});

}  // namespace heed::test
