// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/mlp.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

TEST_CASE("Mlp: names, counts, and layers initialised as in Linear") {
  nn::Mlp<float> mlp({.in_features = 16, .hidden_features = {4, 9}, .out_features = 2});
  CHECK(names(mlp) == Names{"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.2.weight",
                            "layers.2.bias"});
  CHECK(nn::parameter_count(mlp) == 16 * 4 + 4 + 4 * 9 + 9 + 9 * 2 + 2);
  nn::initialize(mlp, Random(1));
  CHECK(test::fills(*nn::parameters(mlp)[0].parameter, 0.25));
  nn::Mlp<float> none({.in_features = 3, .out_features = 2, .bias = false});
  CHECK(names(none) == Names{"layers.0.weight"});
}

TEST_CASE("Mlp activates between its layers and not after the last") {
  nn::Mlp<double> mlp({.in_features = 2, .hidden_features = {3}, .out_features = 2, .activation = Activation::tanh});
  nn::initialize(mlp, Random(1));
  const auto list = nn::parameters(mlp);
  const auto& w0 = list[0].parameter->value();
  const auto& b0 = list[1].parameter->value();
  const auto& w1 = list[2].parameter->value();
  const auto& b1 = list[3].parameter->value();
  const Tensor<double> x = normal<double>({5, 2});
  Tensor<double> expected({5, 2});
  for (Index i = 0; i < 5; ++i) {
    for (Index o = 0; o < 2; ++o) {
      expected(i, o) = b1(o);
      for (Index h = 0; h < 3; ++h) {
        expected(i, o) += w1(o, h) * std::tanh(w0(h, 0) * x(i, 0) + w0(h, 1) * x(i, 1) + b0(h));
      }
    }
  }
  Tape<double> tape;
  const Tensor<double> y(mlp(tape.constant(x)).value());
  const auto close = testing::allclose(y, expected, 1e-12);
  INFO(close.message());
  CHECK(close);
}

TEST_CASE("Mlp applies dropout to hidden elements while training") {
  nn::Mlp<float> mlp({.in_features = 3, .hidden_features = {50}, .out_features = 4, .dropout = 0.5});
  nn::initialize(mlp, Random(1));
  const Tensor<float> x = normal<float>({5, 3});
  Tape<float> still, training({.training = true, .random = Random(2)});
  const auto a = mlp(still.constant(x)), b = mlp(still.constant(x)), c = mlp(training.constant(x));
  CHECK(test::same(a.value(), b.value()));
  CHECK(!test::same(a.value(), c.value()));
}

TEST_CASE("Mlp: the gradients of parameters and input are correct") {
  for (const Activation activation : {Activation::sigmoid, Activation::gelu}) {
    nn::Mlp<double> mlp(
        {.in_features = 3, .hidden_features = {4, 5}, .out_features = 2, .activation = activation, .dropout = 0.2});
    nn::initialize(mlp, Random(1));
    const auto result = test::gradcheck_module(nn::parameters(mlp), {normal<double>({6, 3})},
                                               [&](Tape<double>&, std::span<const Var<double>> x) { return mlp(x[0]); },
                                               {.tape = {.training = true, .random = Random(3)}});
    INFO(result.message());
    CHECK(result);
  }
}

TEST_CASE("Mlp reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::Mlp<float>({.in_features = 3, .out_features = 2, .dropout = 1}); }) ==
        "Mlp: dropout 1.000000 is not in [0, 1)");
  CHECK(error_of<OptionError>([] { nn::Mlp<float>({.in_features = 3, .hidden_features = {0}, .out_features = 2}); }) !=
        "");
}

TEST_CASE("Mlp: const modules train and moves keep parameters in place") {
  test::check_const_and_move(
      nn::Mlp<float>({.in_features = 3, .hidden_features = {4}, .out_features = 2, .activation = Activation::tanh}),
      [](const auto& mlp, auto& tape) {
        return mlp(tape.constant(normal<float>({4, 3})));
      });
}

}  // namespace HEED_TEST_UNIT
