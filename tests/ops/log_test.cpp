// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/log.hpp"

#include <cmath>

#include "ops/elementwise_samples.hpp"

namespace heed::test {

const SamplesOf log_op("log", []() -> OpSamples {
  return elementwise_samples([](auto x) { return log(x); }, std::log,
                             [](const Shape& shape) { return Tensor<double>::uniform(shape, Random(1), 0.5, 4); });
});

}  // namespace heed::test
