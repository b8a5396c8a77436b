// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/mse_loss.hpp"

#include "heed/kernels/reference/mse_loss.hpp"
#include "ops/loss_samples.hpp"
#include "ops/parity.hpp"

namespace heed::test {

template <>
OpSamples samples<op::mse_loss>() {
  return loss_samples(
      "mse_loss", [](auto x, auto t, Reduction reduction) { return mse_loss(x, t, reduction); },
      kernels::reference::mse_loss, [](const Shape& shape) { return normal(shape, "target"); });
}

}  // namespace heed::test

TEST_CASE("mse_loss agrees with PyTorch") {
  using namespace heed;
  for (const char* reduction : {"mean", "sum"}) {
    const parity::Fixture fixture(std::string("mse_") + reduction);
    INFO(reduction);
    Tape<double> tape;
    const auto x = tape.variable(test::tensor_of(fixture, "in.prediction"));
    const auto t = tape.constant(test::tensor_of(fixture, "in.targets"));
    const auto loss = mse_loss(x, t, *reduction == 'm' ? Reduction::mean : Reduction::sum);
    CHECK(test::agrees(loss.value(), fixture, "out.loss"));
    test::backward_from(loss, test::tensor_of(fixture, "cot.loss"));
    CHECK(test::agrees(x.gradient(), fixture, "grad.in.prediction"));
  }
}
