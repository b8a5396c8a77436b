// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/subtract.hpp"

#include "ops/broadcast_samples.hpp"

template <>
heed::test::OpSamples heed::test::samples<heed::op::subtract>() {
  return broadcast_samples("subtract", kernels::Arithmetic::subtract, [](auto a, auto b) { return subtract(a, b); });
}
