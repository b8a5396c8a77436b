// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/adamw.hpp"

#include "optim/parity.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("AdamW agrees with PyTorch over 20 steps") {
  test::check_adam_parity<optim::AdamW<double>, optim::AdamWOptions>({"adamw", "adamw_decay"});
}

TEST_CASE("AdamW's defaults are PyTorch's") {
  const optim::AdamWOptions options;
  CHECK(options.learning_rate == 1e-3);
  CHECK(options.beta1 == 0.9);
  CHECK(options.beta2 == 0.999);
  CHECK(options.eps == 1e-8);
  CHECK(options.weight_decay == 0.01);
}

TEST_CASE("AdamW's decay does not affect the moments") {
  Parameter<double> p(Shape{1});
  p.value()(0) = 2.0;
  optim::AdamW<double> adamw({{"p", &p}}, {.learning_rate = 0.1, .weight_decay = 0.5});
  adamw.step();  // a gradient of 0
  CHECK(p.value()(0) == Approx(2.0 * (1 - 0.1 * 0.5)).epsilon(1e-15));
  for (const auto& state : adamw.state()) CHECK(state.value->item() == 0.0);
}

TEST_CASE("AdamW names itself in its errors") {
  test::Model model;
  CHECK(test::error_of([&] { optim::AdamW<float>(model.list(), {.beta1 = 1.0}); }) ==
        "adamw: beta1 1.000000 is not in [0, 1)");
}

}  // namespace HEED_TEST_UNIT
