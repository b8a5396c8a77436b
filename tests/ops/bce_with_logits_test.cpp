// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/bce_with_logits.hpp"

#include "heed/kernels/reference/bce_with_logits.hpp"
#include "ops/loss_samples.hpp"

namespace heed::test {

const SamplesOf bce_with_logits_op("bce_with_logits", []() -> OpSamples {
  return loss_samples(
      "bce_with_logits", [](auto x, auto t, Reduction reduction) { return bce_with_logits(x, t, reduction); },
      kernels::reference::bce_with_logits,
      [](const Shape& shape) { return Tensor<double>::uniform(shape, Random(8)); });
});

}  // namespace heed::test
