// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/adam.hpp"

#include "optim/parity.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("Adam agrees with PyTorch over 20 steps") {
  test::check_adam_parity<optim::Adam<double>, optim::AdamOptions>({"adam", "adam_decay"});
}

TEST_CASE("Adam's defaults are PyTorch's") {
  const optim::AdamOptions options;
  CHECK(options.learning_rate == 1e-3);
  CHECK(options.beta1 == 0.9);
  CHECK(options.beta2 == 0.999);
  CHECK(options.eps == 1e-8);
  CHECK(options.weight_decay == 0);
}

TEST_CASE("Adam's first step is the learning rate, whatever the gradient's size") {
  Parameter<float> p(Shape{3});
  p.gradient() = Tensor<float>::of({1e-3f, -5.0f, 1e4f});
  optim::Adam<float> adam({{"p", &p}}, {.learning_rate = 0.25f});
  adam.step();
  CHECK(p.value()(0) == Approx(-0.25).epsilon(1e-4));
  CHECK(p.value()(1) == Approx(0.25).epsilon(1e-6));
  CHECK(p.value()(2) == Approx(-0.25).epsilon(1e-6));
}

TEST_CASE("Adam updates a large parameter chunk by chunk") {
  test::check_chunks([](const auto& list) { return std::make_unique<optim::Adam<float>>(list); });
}

TEST_CASE("Adam refuses betas, eps and rates that are out of range") {
  test::Model model;
  const auto error = [&](const optim::AdamOptions& options) {
    return test::error_of([&] { optim::Adam<float>(model.list(), options); });
  };
  CHECK(error({.beta1 = 1.0}) == "adam: beta1 1.000000 is not in [0, 1)");
  CHECK(error({.beta1 = -0.5}) == "adam: beta1 -0.500000 is not in [0, 1)");
  CHECK(error({.beta1 = 0}) == "");
  CHECK(error({.beta2 = 1.0}) == "adam: beta2 1.000000 is not in [0, 1)");
  CHECK(error({.beta2 = 0}) == "");
  CHECK(error({.eps = 0}) == "");
  CHECK(error({.beta2 = -0.5}) == "adam: beta2 -0.500000 is not in [0, 1)");
  CHECK(error({.eps = -1.0}) == "adam: eps -1.000000 is negative");
  CHECK(error({.learning_rate = -1.0}) == "adam: learning_rate -1.000000 is negative or not finite");
}

}  // namespace HEED_TEST_UNIT
