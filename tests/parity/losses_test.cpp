// SPDX-License-Identifier: Apache-2.0
// Losses against PyTorch.
#include "heed/ops/bce_with_logits.hpp"
#include "heed/ops/cross_entropy.hpp"
#include "heed/ops/mse_loss.hpp"
#include "parity/compare.hpp"

namespace HEED_TEST_UNIT {

heed::Reduction reduction_of(const parity::Fixture& fixture) {
  const std::string text = fixture.option("reduction");
  if (text == "none") return heed::Reduction::none;
  REQUIRE((text == "mean" || text == "sum"));
  return text == "mean" ? heed::Reduction::mean : heed::Reduction::sum;
}

TEMPLATE_TEST_CASE("cross-entropy agrees with PyTorch", "", float, double) {
  for (const char* reduction : {"mean", "sum", "none"}) {
    for (const char* ignore : {"", "_ignore-100", "_ignore3"}) {
      for (const char* smoothing : {"", "_smoothing"}) {
        const std::string name = std::string("cross_entropy_") + reduction + ignore + smoothing;
        INFO(name);
        parity::Case<TestType> c(name);
        const auto targets = c.fixture.integers("in.targets");
        heed::CrossEntropyOptions options{.label_smoothing = std::stod(c.fixture.option("label_smoothing")),
                                          .reduction = reduction_of(c.fixture)};
        if (!c.fixture.option("ignore_index").empty()) options.ignore_index = c.integer("ignore_index");
        c.output("loss", heed::cross_entropy(c.input("logits"), targets, options));
        c.backward();
      }
    }
  }
}

TEMPLATE_TEST_CASE("BCE with logits and MSE agree with PyTorch", "", float, double) {
  const auto compare = [](const std::string& name, const char* input, auto loss) {
    for (const char* reduction : {"_mean", "_sum"}) {
      INFO(name << reduction);
      parity::Case<TestType> c(name + reduction);
      c.output("loss", loss(c.input(input), c.constant("targets"), reduction_of(c.fixture)));
      c.backward();
    }
  };
  compare("bce_with_logits", "logits", heed::bce_with_logits<TestType>);
  compare("mse", "prediction", heed::mse_loss<TestType>);
}

}  // namespace HEED_TEST_UNIT
