// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/add.hpp"

#include "ops/broadcast_samples.hpp"

namespace heed::test {

const SamplesOf add_op("add", []() -> OpSamples {
  return broadcast_samples("add", kernels::Arithmetic::add, [](auto a, auto b) { return add(a, b); });
});

}  // namespace heed::test
