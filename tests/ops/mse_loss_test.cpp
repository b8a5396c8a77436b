// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/mse_loss.hpp"

#include "heed/kernels/reference/mse_loss.hpp"
#include "ops/loss_samples.hpp"

namespace heed::test {

const SamplesOf mse_loss_op("mse_loss", []() -> OpSamples {
  return loss_samples(
      "mse_loss", [](auto x, auto t, Reduction reduction) { return mse_loss(x, t, reduction); },
      kernels::reference::mse_loss, [](const Shape& shape) { return normal(shape, "target"); });
});

}  // namespace heed::test
