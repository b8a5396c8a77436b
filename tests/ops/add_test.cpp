// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/add.hpp"

#include "ops/broadcast_samples.hpp"

template <>
heed::test::OpSamples heed::test::samples<heed::op::add>() {
  return broadcast_samples("add", kernels::Arithmetic::add, [](auto a, auto b) { return add(a, b); });
}
