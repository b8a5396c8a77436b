// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/layer_norm.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

TEST_CASE("LayerNorm: names, and initial values of weight 1 and bias 0") {
  nn::LayerNorm<float> norm({.features = 7});
  CHECK(names(norm) == Names{"weight", "bias"});
  CHECK(nn::parameter_count(norm) == 14);
  CHECK((norm.weight.value().array() == 1.0f).all());
  CHECK((norm.bias.value().array() == 0.0f).all());
  norm.weight.value() = Tensor<float>::full({7}, 3);
  nn::initialize(norm, Random(1));
  CHECK((norm.weight.value().array() == 1.0f).all());
}

TEST_CASE("LayerNorm: rows have mean 0 and variance 1, and eps matters if the variance is small") {
  const nn::LayerNorm<double> norm({.features = 50}), coarse({.features = 50, .eps = 1e4});
  Tape<double> tape;
  const auto x = tape.constant(normal<double>({2, 3, 50}));
  const Tensor<double> y(norm(x).value());
  CHECK(y.shape() == Shape{2, 3, 50});
  for (Index i = 0; i < 6; ++i) {
    CHECK(y.matrix().row(i).mean() == Approx(0).margin(1e-12));
    CHECK(y.matrix().row(i).array().square().mean() == Approx(1).epsilon(1e-4));
  }
  CHECK(Tensor<double>(coarse(x).value()).array().abs().maxCoeff() < 0.1);
}

TEST_CASE("LayerNorm reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::LayerNorm<float>({.features = 0}); }) ==
        "LayerNorm: features 0 and eps 0.000010 must be positive");
  CHECK(error_of<OptionError>([] { nn::LayerNorm<float>({.features = 3, .eps = 0}); }) != "");
  Tape<float> tape;
  const nn::LayerNorm<float> norm({.features = 3});
  CHECK_THAT(error_of<ShapeError>([&] {
               norm(tape.constant(Tensor<float>({2, 4})));
             }),
             Catch::Matchers::StartsWith("layer_norm: input [2, 4]"));
}

TEST_CASE("LayerNorm: const modules train and moves keep parameters in place") {
  test::check_const_and_move(nn::LayerNorm<float>({.features = 3}), [](const auto& norm, auto& tape) {
    return norm(tape.constant(normal<float>({4, 3})));
  });
}

}  // namespace HEED_TEST_UNIT
