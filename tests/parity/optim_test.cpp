// SPDX-License-Identifier: Apache-2.0
// Optimisers and clipping against torch.optim, in double: parameters after each of 20 steps.
#include "heed/optim/adam.hpp"
#include "heed/optim/adamw.hpp"
#include "heed/optim/clip.hpp"
#include "heed/optim/sgd.hpp"
#include "parity/compare.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using parity::Fixture;

struct Weights {
  heed::Parameter<double> w, b;
  heed::ParameterList<double> list() { return {{"w", &w}, {"b", &b}}; }
};

/// Runs the optimiser with the recorded gradients.
template <template <class> class Optimizer, class Options>
void compare(const std::string& name, Options options) {
  INFO(name);
  const Fixture fixture(name);
  const auto set = [&](const char* option, double& value) {
    if (!fixture.option(option).empty()) value = parity::numbers(fixture.option(option)).at(0);
  };
  set("lr", options.learning_rate);
  set("weight_decay", options.weight_decay);
  if constexpr (requires { options.momentum; }) {
    set("momentum", options.momentum);
  } else {
    set("eps", options.eps);
    if (const auto betas = parity::numbers(fixture.option("betas")); !betas.empty()) {
      options.beta1 = betas.at(0);
      options.beta2 = betas.at(1);
    }
  }
  Weights weights;
  weights.w = heed::Parameter<double>({4, 3});
  weights.b = heed::Parameter<double>({3});
  weights.w.value() = parity::tensor_of<double>(fixture.tensor("in.w"));
  weights.b.value() = parity::tensor_of<double>(fixture.tensor("in.b"));
  Optimizer<double> optimizer(weights.list(), options);
  for (Index step = 0; step < 20; ++step) {
    INFO("step " << step);
    const auto part = [&](const std::string& tensor, Index size) {
      const auto all = fixture.tensor(tensor).values;
      return std::vector<double>(all.begin() + step * size, all.begin() + (step + 1) * size);
    };
    for (const auto& [parameter, letter] : {std::pair(&weights.w, "w"), std::pair(&weights.b, "b")}) {
      const auto gradient = part(std::string("in.grad_") + letter, parameter->size());
      std::copy(gradient.begin(), gradient.end(), parameter->gradient().data());
    }
    optimizer.step();
    for (const auto& [parameter, letter] : {std::pair(&weights.w, "w"), std::pair(&weights.b, "b")}) {
      const auto wanted = part(std::string("out.") + letter, parameter->size());
      CHECK(parity::relative_error(parity::elements(std::as_const(*parameter).value().view()), wanted) <= 1e-10);
    }
  }
}

TEST_CASE("SGD agrees with PyTorch after each step") {
  for (const char* name : {"sgd", "sgd_momentum", "sgd_momentum_decay"}) {
    compare<heed::optim::Sgd>(name, heed::optim::SgdOptions{});
  }
}

TEST_CASE("Adam agrees with PyTorch after each step") {
  for (const char* name : {"adam", "adam_decay"}) compare<heed::optim::Adam>(name, heed::optim::AdamOptions{});
}

TEST_CASE("AdamW agrees with PyTorch after each step") {
  for (const char* name : {"adamw", "adamw_decay"}) compare<heed::optim::AdamW>(name, heed::optim::AdamWOptions{});
}

TEST_CASE("clipping agrees with PyTorch") {
  for (const char* name : {"clip_grad_norm_above", "clip_grad_norm_below"}) {
    INFO(name);
    const Fixture fixture(name);
    heed::Parameter<double> a({4, 3}), b({5});
    a.gradient() = parity::tensor_of<double>(fixture.tensor("in.grad_a"));
    b.gradient() = parity::tensor_of<double>(fixture.tensor("in.grad_b"));
    const double norm = heed::optim::clip_gradient_norm(heed::ParameterList<double>{{"a", &a}, {"b", &b}},
                                                        parity::numbers(fixture.option("max_norm")).at(0));
    CHECK(parity::relative_error(std::vector<double>{norm}, fixture.tensor("out.norm").values) <= 1e-10);
    const auto agrees = [&](heed::Parameter<double>& p, const std::string& tensor) {
      return parity::relative_error(parity::elements(heed::TensorView<const double>(p.gradient())),
                                    fixture.tensor(tensor).values) <= 1e-10;
    };
    CHECK(agrees(a, "out.grad_a"));
    CHECK(agrees(b, "out.grad_b"));
  }
}

}  // namespace HEED_TEST_UNIT
