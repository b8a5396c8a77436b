// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/divide.hpp"

#include "ops/broadcast_samples.hpp"

template <>
heed::test::OpSamples heed::test::samples<heed::op::divide>() {
  return broadcast_samples("divide", kernels::Arithmetic::divide, [](auto a, auto b) { return divide(a, b); });
}
