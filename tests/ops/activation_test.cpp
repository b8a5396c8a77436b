// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/activation.hpp"

#include <cmath>

#include "heed/kernels/reference/activation.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

/// Normal numbers away from zero, where relu is not differentiable.
Tensor<double> away_from_zero(const Shape& shape) {
  Tensor<double> x = normal(shape);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] += std::copysign(0.1, x.data()[i]);
  return x;
}

Sample activation_sample(const char* label, Activation kind, const Shape& shape) {
  return sample(
      label, {away_from_zero(shape)}, [kind](auto&, auto x) { return activation(x[0], kind); },
      [kind](std::span<const Tensor<double>> x) {
        Tensor<double> y(x[0].shape());
        for (Index i = 0; i < y.size(); ++i) y.data()[i] = kernels::reference::activation(kind, x[0].data()[i]);
        return y;
      });
}

}  // namespace

const SamplesOf activation_op("activation", []() -> OpSamples {
  OpSamples out;
  out.good = {activation_sample("identity", Activation::identity, {3, 5}),
              activation_sample("relu", Activation::relu, {3, 5}),
              activation_sample("sigmoid", Activation::sigmoid, {2, 3, 5}),
              activation_sample("tanh", Activation::tanh, {3, 5}),
              activation_sample("silu", Activation::silu, {17}),
              activation_sample("gelu", Activation::gelu, {3, 5}),
              activation_sample("gelu_tanh", Activation::gelu_tanh, {3, 5}),
              activation_sample("of a scalar", Activation::tanh, {}),
              activation_sample("of nothing", Activation::tanh, {0, 5}),
              activation_sample("of several chunks", Activation::silu, {3, 6000})};
  out.bad = {{"an empty handle", [] { relu(Var<float>()); }, "var: an empty handle"}};
  return out;
});

}  // namespace heed::test

TEST_CASE("each activation has a function of its name") {
  using namespace heed;
  Tape<double> tape;
  const auto x = tape.constant(-1.5);
  const auto reference = [](Activation kind) {
    return Approx(kernels::reference::activation(kind, -1.5)).epsilon(1e-14);
  };
  CHECK(relu(x).item() == 0.0);
  CHECK(sigmoid(x).item() == reference(Activation::sigmoid));
  CHECK(tanh(x).item() == reference(Activation::tanh));
  CHECK(silu(x).item() == reference(Activation::silu));
  CHECK(gelu(x).item() == reference(Activation::gelu));
  CHECK(gelu_tanh(x).item() == reference(Activation::gelu_tanh));
}
