// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/transformer.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;
using nn::NormPlacement;
using nn::TransformerEncoderLayerOptions;

constexpr NormPlacement placements[] = {NormPlacement::pre, NormPlacement::post, NormPlacement::query};

const Segments sequences({2, 0, 3, 1});

TransformerEncoderLayerOptions small(NormPlacement norm, double dropout, Activation activation = Activation::relu,
                                     Index width = 8) {
  return {.embed_dim = width,
          .num_heads = 2,
          .feedforward_dim = width + 4,
          .activation = activation,
          .norm = norm,
          .dropout = dropout,
          .attention_dropout = dropout / 2,
          .activation_dropout = dropout / 3};
}

template <class Scalar>
nn::TransformerEncoderLayer<Scalar> make(const TransformerEncoderLayerOptions& options) {
  return with_random_vectors(nn::TransformerEncoderLayer<Scalar>(options));
}

/// Returns the output of the block, composed of operations, with the norms and dropouts of the options.
template <class Scalar>
Var<Scalar> written_out(const nn::TransformerEncoderLayer<Scalar>& layer, const TransformerEncoderLayerOptions& options,
                        Var<Scalar> x, const Mask& mask) {
  const auto attend = [&](Var<Scalar> q, Var<Scalar> kv) {
    return dropout(layer.self_attn(q, sequences, kv, kv, sequences, {.mask = mask}).context, options.dropout);
  };
  const auto feed = [&](Var<Scalar> y) {
    const auto inner = dropout(activation(layer.linear1(y), options.activation), options.activation_dropout);
    return dropout(layer.linear2(inner), options.dropout);
  };
  if (options.norm == NormPlacement::pre) {
    x = add(x, attend(layer.norm1(x), layer.norm1(x)));
    return add(x, feed(layer.norm2(x)));
  }
  if (options.norm == NormPlacement::post) {
    x = layer.norm1(add(x, attend(x, x)));
    return layer.norm2(add(x, feed(x)));
  }
  const auto q = layer.norm1(x);
  x = layer.norm2(add(q, attend(q, x)));
  return add(x, feed(x));
}

TEST_CASE("TransformerEncoderLayer: PyTorch's names and counts") {
  nn::TransformerEncoderLayer<float> layer({.embed_dim = 6, .num_heads = 2, .feedforward_dim = 8});
  CHECK(names(layer) == Names{"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
                              "self_attn.out_proj.bias", "linear1.weight", "linear1.bias", "linear2.weight",
                              "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"});
  CHECK(layer.linear1.weight.shape() == Shape{8, 6});
  CHECK(layer.linear2.weight.shape() == Shape{6, 8});
  CHECK(nn::parameter_count(layer) == 18 * 6 + 18 + 36 + 6 + 48 + 8 + 48 + 6 + 4 * 6);
}

TEST_CASE("TransformerEncoderLayer is the composition of its operations, dropouts and gradients included") {
  for (const NormPlacement norm : placements) {
    for (const Activation activation : {Activation::relu, Activation::gelu}) {
      for (const double p : {0.0, 0.6}) {
        for (const Index width : {8, 6}) {  // linear layers with dropout are fused at multiples of 4
          INFO("norm " << static_cast<int>(norm) << ", activation " << static_cast<int>(activation) << ", dropout " << p
                       << ", width " << width);
          const auto options = small(norm, p, activation, width);
          const Tensor<double> x = normal<double>({6, width});
          const Mask mask = width == 8 ? Mask::causal() : Mask();
          const auto layer = make<double>(options);
          Tape<double> one({.training = true, .random = Random(4)}), two({.training = true, .random = Random(4)});
          const auto a = one.variable(x), b = two.variable(x);
          const auto y = layer(a, sequences, {.mask = mask}), expected = written_out(layer, options, b, mask);
          CHECK(testing::allclose(y.value(), expected.value(), 1e-12));
          backward(sum(multiply(y, y)));
          backward(sum(multiply(expected, expected)));
          CHECK(testing::allclose(a.gradient(), b.gradient(), 1e-11));
        }
      }
    }
  }
}

TEST_CASE("TransformerEncoderLayer: attention_weights are the mean weights of its attention") {
  for (const NormPlacement norm : placements) {
    const auto layer = make<double>(small(norm, 0));
    Tape<double> tape;
    const auto x = tape.constant(normal<double>({6, 8}));
    const std::vector<Index> ends = {1, -1, 4, 5};
    const Segments one_each({1, 1, 1, 1});
    const auto some = layer.attention_weights(x, sequences, ends, one_each).value();
    const auto q = norm == NormPlacement::post ? x : layer.norm1(x);
    const auto k = norm == NormPlacement::pre ? q : x;
    const auto all = layer.self_attn(q, sequences, k, k, sequences, {.weights = true}).weights.value();
    REQUIRE(some.size() == 6);
    const auto mean = [&](Index row, Index next_head) { return (all[row] + all[row + next_head]) / 2; };
    for (Index j = 0; j < 2; ++j) CHECK(some[j] == Approx(mean(2 + j, 4)));
    for (Index j = 0; j < 3; ++j) CHECK(some[2 + j] == Approx(mean(8 + 6 + j, 9)));
    CHECK(some[5] == Approx(1));
  }
}

TEST_CASE("TransformerEncoderLayer: each of the three dropouts is applied only while training") {
  const Tensor<float> x = normal<float>({6, 8});
  for (const NormPlacement norm : placements) {
    const auto none = make<float>(small(norm, 0));
    Tape<float> still, training({.training = true, .random = Random(2)});
    const auto y = none(still.constant(x), sequences);
    CHECK(same(none(training.constant(x), sequences).value(), y.value()));
    for (int which = 0; which < 3; ++which) {
      INFO("norm " << static_cast<int>(norm) << ", dropout " << which);
      auto options = small(norm, 0);
      (which == 0 ? options.dropout : which == 1 ? options.attention_dropout : options.activation_dropout) = 0.5;
      const auto layer = make<float>(options);
      CHECK(same(layer(still.constant(x), sequences).value(), y.value()));
      const auto once = layer(training.constant(x), sequences), again = layer(training.constant(x), sequences);
      CHECK(!same(once.value(), y.value()));
      CHECK(!same(once.value(), again.value()));
    }
  }
}

TEST_CASE("TransformerEncoderLayer: the gradients of parameters and input are correct") {
  for (const NormPlacement norm : placements) {
    for (const Activation activation : {Activation::relu, Activation::gelu}) {
      INFO("norm " << static_cast<int>(norm) << ", activation " << static_cast<int>(activation));
      auto layer = make<double>(small(norm, 0.3, activation));
      const auto result = test::gradcheck_module(
          nn::parameters(layer), {normal<double>({6, 8})},
          [&](Tape<double>&, std::span<const Var<double>> x) {
            return layer(x[0], sequences, {.mask = Mask::causal()});
          },
          // A small step, as relu is not differentiable at 0.
          {.step = 0x1p-17, .max_positions = 30, .tape = {.training = true, .random = Random(3)}});
      INFO(result.message());
      CHECK(result);
    }
  }
}

TEMPLATE_TEST_CASE("TransformerEncoderLayer: a sequence alone gives the same bits as in a batch", "", float, double) {
  const Segments ragged({5, 0, 70, 1, 33});
  for (const NormPlacement norm : placements) {
    const auto layer = make<TestType>({.embed_dim = 20, .num_heads = 2, .feedforward_dim = 36, .norm = norm});
    const Tensor<TestType> x = normal<TestType>({ragged.tokens(), 20});
    Tape<TestType> tape;
    const auto together = layer(tape.constant(x), ragged, {.mask = Mask::causal()});
    for (Index b = 0; b < ragged.count(); ++b) {
      const auto rows = x.view().rows(ragged.begin(b), ragged.end(b));
      const auto alone = layer(tape.constant(rows), Segments({ragged.length(b)}), {.mask = Mask::causal()});
      INFO("norm " << static_cast<int>(norm) << ", sequence " << b);
      CHECK(same(alone.value(), together.value().rows(ragged.begin(b), ragged.end(b))));
    }
  }
}

TEST_CASE("TransformerEncoderLayer reports invalid arguments") {
  using Layer = nn::TransformerEncoderLayer<float>;
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .num_heads = 2, .feedforward_dim = 8, .dropout = 1}); }) ==
        "TransformerEncoderLayer: dropout 1.000000 is not in [0, 1)");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .feedforward_dim = 8, .activation_dropout = -0.5}); }) ==
        "TransformerEncoderLayer: dropout -0.500000 is not in [0, 1)");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .feedforward_dim = 8, .attention_dropout = 1}); }) ==
        "MultiHeadAttention: dropout 1.000000 is not in [0, 1)");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .num_heads = 4, .feedforward_dim = 8}); }) ==
        "MultiHeadAttention: 4 heads do not divide embed_dim 6");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .feedforward_dim = 0}); }) ==
        "Linear: in_features 6 and out_features 0 must be positive");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .feedforward_dim = 8, .eps = 0}); }) ==
        "LayerNorm: features 6 and eps 0.000000 must be positive");
  for (const NormPlacement norm : placements) {
    const auto layer = make<float>(small(norm, 0));
    Tape<float> tape;
    CHECK(error_of<ShapeError>([&] {
            layer(tape.constant(Tensor<float>({5, 8})), sequences);
          }) == "attention: query is [5, 8], wanted [6 tokens, features]");
    CHECK(error_of<ShapeError>([&] { layer(tape.constant(Tensor<float>({6, 7})), sequences); }) != "");
  }
}

TEST_CASE("TransformerEncoderLayer: const modules train and moves keep parameters in place") {
  for (const NormPlacement norm : placements) {
    test::check_const_and_move(nn::TransformerEncoderLayer<float>(small(norm, 0)), [](const auto& layer, auto& tape) {
      return multiply(layer(tape.constant(normal<float>({6, 8})), sequences),
                      tape.constant(normal<float>({6, 8}, "w")));
    });
  }
}

}  // namespace HEED_TEST_UNIT
