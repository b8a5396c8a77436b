// SPDX-License-Identifier: Apache-2.0
// Runs an optimiser on the gradients of a fixture written by PyTorch.
#pragma once

#include "heed/optim/optimizer.hpp"
#include "optim/support.hpp"
#include "parity/fixture.hpp"

namespace heed::test {

/// `make(list)` returns the optimiser. Compares both parameters after each of the 20 steps.
template <class Make>
void check_parity(const parity::Fixture& fixture, const Make& make) {
  Parameter<double> w({4, 3}), b(Shape{3});
  const auto put = [](const std::vector<double>& from, std::size_t step, Tensor<double>& to) {
    const auto size = static_cast<std::ptrdiff_t>(to.size());
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(step) * size, size, to.data());
  };
  put(fixture.tensor("in.w").values, 0, w.value());
  put(fixture.tensor("in.b").values, 0, b.value());
  const auto optimizer = make(ParameterList<double>{{"w", &w}, {"b", &b}});
  const auto grad_w = fixture.tensor("in.grad_w").values, grad_b = fixture.tensor("in.grad_b").values;
  const auto out_w = fixture.tensor("out.w").values, out_b = fixture.tensor("out.b").values;
  const auto agrees = [](const Tensor<double>& got, const std::vector<double>& all, std::size_t step) {
    const auto size = static_cast<std::ptrdiff_t>(got.size());
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(step) * size;
    const std::span<const double> values(got.data(), static_cast<std::size_t>(size));
    return parity::relative_error(values, std::vector<double>(from, from + size)) <= 1e-10;
  };
  const std::size_t steps = out_b.size() / 3;
  REQUIRE(steps == 20);
  for (std::size_t step = 0; step < steps; ++step) {
    INFO("step " << step);
    put(grad_w, step, w.gradient());
    put(grad_b, step, b.gradient());
    optimizer->step();
    REQUIRE(agrees(w.value(), out_w, step));
    REQUIRE(agrees(b.value(), out_b, step));
  }
}

/// Returns a numeric option of the fixture, or `otherwise` if it has none.
inline double option(const parity::Fixture& fixture, const std::string& name, double otherwise) {
  const std::string text = fixture.option(name);
  return text.empty() ? otherwise : std::stod(text);
}

/// Sets the options that Adam and AdamW share.
template <class Options>
Options adam_options(const parity::Fixture& fixture) {
  Options options;
  options.learning_rate = option(fixture, "lr", options.learning_rate);
  options.eps = option(fixture, "eps", options.eps);
  options.weight_decay = option(fixture, "weight_decay", options.weight_decay);
  const std::string betas = fixture.option("betas");
  if (!betas.empty()) {
    options.beta1 = std::stod(betas);
    options.beta2 = std::stod(betas.substr(betas.find(',') + 1));
  }
  return options;
}

/// Checks that Adam or AdamW agrees with each of these fixtures.
template <class Adam, class Options>
void check_adam_parity(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    INFO(name);
    const parity::Fixture fixture(name);
    check_parity(fixture, [&](const ParameterList<double>& list) {
      return std::make_unique<Adam>(list, adam_options<Options>(fixture));
    });
  }
}

}  // namespace heed::test
