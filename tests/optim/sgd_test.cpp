// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/sgd.hpp"

#include "optim/parity.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("SGD agrees with PyTorch over 20 steps") {
  for (const char* name : {"sgd", "sgd_momentum", "sgd_momentum_decay"}) {
    INFO(name);
    const parity::Fixture fixture(name);
    test::check_parity(fixture, [&](const ParameterList<double>& list) {
      return std::make_unique<optim::Sgd<double>>(
          list, optim::SgdOptions{.learning_rate = test::option(fixture, "lr", 0),
                                  .momentum = test::option(fixture, "momentum", 0),
                                  .weight_decay = test::option(fixture, "weight_decay", 0)});
    });
  }
}

TEST_CASE("Nesterov adds momentum times the buffer to the gradient") {
  Parameter<double> p(Shape{1});
  optim::Sgd<double> sgd({{"p", &p}}, {.learning_rate = 1, .momentum = 0.5, .nesterov = true});
  p.gradient()(0) = 1;
  sgd.step();  // b = 1, direction 1 + 0.5
  CHECK(p.value()(0) == -1.5);
  p.gradient()(0) = 1;
  sgd.step();  // b = 1.5, direction 1 + 0.75
  CHECK(p.value()(0) == -3.25);
}

TEST_CASE("SGD updates a large parameter chunk by chunk") {
  test::check_chunks([](const auto& list) {
    return std::make_unique<optim::Sgd<float>>(list, optim::SgdOptions{.learning_rate = 0.1, .momentum = 0.9});
  });
}

TEST_CASE("SGD without momentum has no state") {
  test::Model model;
  CHECK(optim::Sgd<float>(model.list()).state().empty());
  optim::Sgd<float> sgd(model.list(), {.momentum = 0.5});
  const auto state = sgd.state();
  REQUIRE(state.size() == 3);
  CHECK(state[1].name == "head.weight.momentum_buffer");
  CHECK(state[1].value->shape() == Shape{3, 4});
}

TEST_CASE("SGD refuses invalid momentum") {
  test::Model model;
  const auto error = [&](const optim::SgdOptions& options) {
    return test::error_of([&] { optim::Sgd<float>(model.list(), options); });
  };
  CHECK(error({.momentum = -0.5}) == "sgd: momentum -0.500000 is not in [0, 1)");
  CHECK(error({.momentum = 1.0}) == "sgd: momentum 1.000000 is not in [0, 1)");
  CHECK(error({.nesterov = true}) == "sgd: momentum 0.000000 must be positive with nesterov");
  CHECK(error({.momentum = 0.5, .nesterov = true}) == "");
}

}  // namespace HEED_TEST_UNIT
