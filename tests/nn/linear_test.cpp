// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/linear.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;
using test::fills;

TEST_CASE("Linear lists weight and bias, as PyTorch does") {
  nn::Linear<float> with({.in_features = 3, .out_features = 2});
  nn::Linear<float> without({.in_features = 3, .out_features = 2, .bias = false});
  CHECK(names(with) == Names{"weight", "bias"});
  CHECK(names(without) == Names{"weight"});
  CHECK(with.weight.shape() == Shape{2, 3});
  CHECK(with.bias.shape() == Shape{2});
  CHECK(nn::parameter_count(with) == 8);
  CHECK(nn::parameter_count(without) == 6);
}

TEST_CASE("Linear initialises weight and bias uniformly in +-1/sqrt(in)") {
  nn::Linear<float> layer({.in_features = 16, .out_features = 40});
  layer.initialize(Random(1));
  CHECK(fills(layer.weight, 0.25));
  CHECK(fills(layer.bias, 0.25));
  CHECK(layer.weight.value()(0, 0) != layer.bias.value()(0));
}

TEST_CASE("Linear computes x W^T + b over leading dimensions, with an activation") {
  nn::Linear<double> layer({.in_features = 2, .out_features = 3});
  layer.weight.value() = Tensor<double>::of({{1, 2}, {3, 4}, {-5, 6}});
  layer.bias.value() = Tensor<double>::of({1, -100, 0.5});
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>::of({{1, 1}, {2, 0}}).reshaped({2, 1, 2}));
  const auto y = layer(x);
  CHECK(y.shape() == Shape{2, 1, 3});
  CHECK(y.value()(0, 0) == 4);
  CHECK(y.value()(0, 1) == -93);
  CHECK(y.value()(1, 2) == -9.5);
  CHECK(layer(x, Activation::relu).value()(0, 1) == 0);
}

TEST_CASE("Linear reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::Linear<float>({.in_features = 0, .out_features = 2}); }) ==
        "Linear: in_features 0 and out_features 2 must be positive");
  Tape<float> tape;
  const auto layer = initialized(nn::Linear<float>({.in_features = 3, .out_features = 2}));
  CHECK(error_of<ShapeError>([&] {
          layer(tape.constant(Tensor<float>({4, 5})));
        }) == "linear: input [4, 5] does not end in 3 features (weight is [2, 3])");
}

TEST_CASE("Linear: const modules train and moves keep parameters in place") {
  test::check_const_and_move(nn::Linear<float>({.in_features = 3, .out_features = 2}),
                             [](const auto& layer, auto& tape) {
                               return layer(tape.constant(normal<float>({4, 3})));
                             });
}

}  // namespace HEED_TEST_UNIT
