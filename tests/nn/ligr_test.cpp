// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/ligr.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;
using nn::LiGRLayerOptions;

const Segments sequences({2, 0, 3, 1});

LiGRLayerOptions small(double dropout = 0, Index width = 8) {
  return {.embed_dim = width, .num_heads = 2, .feedforward_dim = width + 4, .dropout = dropout};
}

template <class Scalar>
nn::LiGRLayer<Scalar> make(const LiGRLayerOptions& options) {
  return with_random_vectors(nn::LiGRLayer<Scalar>(options));
}

TEST_CASE("LiGRLayer: names and counts") {
  nn::LiGRLayer<float> layer({.embed_dim = 6, .num_heads = 2});
  CHECK(names(layer) == Names{"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
                              "self_attn.out_proj.bias", "gate1.weight", "gate1.bias", "linear1.weight",
                              "linear2.weight", "gate2.weight", "gate2.bias", "norm1.weight", "norm1.bias",
                              "norm2.weight", "norm2.bias"});
  CHECK(layer.linear1.weight.shape() == Shape{48, 6});
  CHECK(layer.linear2.weight.shape() == Shape{6, 24});
  CHECK(nn::LiGRLayer<float>(small()).linear2.weight.shape() == Shape{8, 12});
}

TEST_CASE("LiGRLayer is the composition of its operations, dropouts and gradients included") {
  for (const double p : {0.0, 0.6}) {
    for (const Index width : {8, 6}) {  // linear layers with dropout are fused at multiples of 4
      INFO("dropout " << p << ", width " << width);
      const auto layer = make<double>(small(p, width));
      const Tensor<double> input = normal<double>({6, width});
      const Mask mask = width == 8 ? Mask::causal() : Mask();
      Tape<double> one({.training = true, .random = Random(4)}), two({.training = true, .random = Random(4)});
      const auto a = one.variable(input), b = two.variable(input);
      const auto y = layer(a, sequences, {.mask = mask});
      auto x = b;
      const auto attended = dropout(layer.self_attn(layer.norm1(x), sequences, {.mask = mask}).context, p);
      x = add(x, multiply(sigmoid(layer.gate1(x)), attended));
      const auto both = layer.linear1(layer.norm2(x));
      const Index hidden = width + 4;
      const auto inner = multiply(silu(slice(both, 1, 0, hidden)), slice(both, 1, hidden, 2 * hidden));
      const auto expected = add(x, multiply(sigmoid(layer.gate2(x)), dropout(layer.linear2(dropout(inner, p)), p)));
      CHECK(testing::allclose(y.value(), expected.value(), 1e-12));
      backward(sum(multiply(y, y)));
      backward(sum(multiply(expected, expected)));
      CHECK(testing::allclose(a.gradient(), b.gradient(), 1e-11));
    }
  }
}

TEST_CASE("LiGRLayer: the gradients of parameters and input are correct") {
  auto layer = make<double>(small(0.3));
  const auto result = test::gradcheck_module(
      nn::parameters(layer), {normal<double>({6, 8})},
      [&](Tape<double>&, std::span<const Var<double>> x) { return layer(x[0], sequences, {.mask = Mask::causal()}); },
      {.max_positions = 30, .tape = {.training = true, .random = Random(3)}});
  INFO(result.message());
  CHECK(result);
}

TEMPLATE_TEST_CASE("LiGRLayer: a sequence alone gives the same bits as in a batch", "", float, double) {
  const Segments ragged({5, 0, 70, 1, 33});
  const auto layer = make<TestType>({.embed_dim = 20, .num_heads = 2, .feedforward_dim = 36});
  const Tensor<TestType> x = normal<TestType>({ragged.tokens(), 20});
  Tape<TestType> tape;
  const auto together = layer(tape.constant(x), ragged, {.mask = Mask::causal()});
  for (Index b = 0; b < ragged.count(); ++b) {
    const auto rows = x.view().rows(ragged.begin(b), ragged.end(b));
    INFO("sequence " << b);
    const auto alone = layer(tape.constant(rows), Segments({ragged.length(b)}), {.mask = Mask::causal()});
    CHECK(same(alone.value(), together.value().rows(ragged.begin(b), ragged.end(b))));
  }
}

TEST_CASE("LiGRLayer reports invalid arguments") {
  using Layer = nn::LiGRLayer<float>;
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .dropout = 1}); }) ==
        "MultiHeadAttention: dropout 1.000000 is not in [0, 1)");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .num_heads = 4}); }) ==
        "MultiHeadAttention: 4 heads do not divide embed_dim 6");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .feedforward_dim = -1}); }) ==
        "Linear: in_features 6 and out_features -2 must be positive");
  const auto layer = make<float>(small());
  Tape<float> tape;
  CHECK(error_of<ShapeError>([&] {
          layer(tape.constant(Tensor<float>({5, 8})), sequences);
        }) == "attention: query is [5, 8], wanted [6 tokens, features]");
}

TEST_CASE("LiGRLayer: const modules train and moves keep parameters in place") {
  test::check_const_and_move(nn::LiGRLayer<float>(small()), [](const auto& layer, auto& tape) {
    return multiply(layer(tape.constant(normal<float>({6, 8})), sequences), tape.constant(normal<float>({6, 8}, "w")));
  });
}

}  // namespace HEED_TEST_UNIT
