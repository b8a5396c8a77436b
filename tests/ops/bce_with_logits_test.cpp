// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/bce_with_logits.hpp"

#include "heed/kernels/reference/bce_with_logits.hpp"
#include "ops/loss_samples.hpp"
#include "ops/parity.hpp"

namespace heed::test {

template <>
OpSamples samples<op::bce_with_logits>() {
  return loss_samples(
      "bce_with_logits", [](auto x, auto t, Reduction reduction) { return bce_with_logits(x, t, reduction); },
      kernels::reference::bce_with_logits,
      [](const Shape& shape) { return Tensor<double>::uniform(shape, Random(8)); });
}

}  // namespace heed::test

TEST_CASE("bce_with_logits agrees with PyTorch") {
  using namespace heed;
  for (const char* reduction : {"mean", "sum"}) {
    const parity::Fixture fixture(std::string("bce_with_logits_") + reduction);
    INFO(reduction);
    Tape<double> tape;
    const auto x = tape.variable(test::tensor_of(fixture, "in.logits"));
    const auto t = tape.constant(test::tensor_of(fixture, "in.targets"));
    const auto loss = bce_with_logits(x, t, *reduction == 'm' ? Reduction::mean : Reduction::sum);
    CHECK(test::agrees(loss.value(), fixture, "out.loss"));
    test::backward_from(loss, test::tensor_of(fixture, "cot.loss"));
    CHECK(test::agrees(x.gradient(), fixture, "grad.in.logits"));
  }
}
