// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/exp.hpp"

#include <cmath>

#include "ops/elementwise_samples.hpp"

namespace heed::test {

const SamplesOf exp_op("exp", []() -> OpSamples {
  return elementwise_samples([](auto x) { return exp(x); }, std::exp, [](const Shape& shape) { return normal(shape); });
});

}  // namespace heed::test
