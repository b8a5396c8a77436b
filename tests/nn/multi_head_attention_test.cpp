// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/multi_head_attention.hpp"

#include "heed/nn/padded.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments queries({2, 0, 3, 1}), keys({4, 3, 0, 2});

template <class Scalar>
nn::MultiHeadAttention<Scalar> make(const nn::MultiHeadAttentionOptions& options) {
  nn::MultiHeadAttention<Scalar> layer(options);
  nn::initialize(layer, Random(1));
  if (options.bias) {  // with their initial value 0, errors would not show
    nn::init_normal(layer.in_proj_bias, Random(2), 1);
    nn::init_normal(layer.out_proj.bias, Random(3), 1);
  }
  return layer;
}

TEST_CASE("MultiHeadAttention: PyTorch's names and counts, with packed and separate projections") {
  nn::MultiHeadAttention<float> packed({.embed_dim = 6, .num_heads = 2});
  CHECK(names(packed) == Names{"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"});
  CHECK(packed.in_proj_weight.shape() == Shape{18, 6});
  CHECK(nn::parameter_count(packed) == 18 * 6 + 18 + 36 + 6);
  nn::MultiHeadAttention<float> apart({.embed_dim = 6, .num_heads = 2, .kdim = 4, .vdim = 5});
  CHECK(names(apart) ==
        Names{"q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"});
  CHECK(apart.k_proj_weight.shape() == Shape{6, 4});
  CHECK(apart.v_proj_weight.shape() == Shape{6, 5});
  nn::MultiHeadAttention<float> plain({.embed_dim = 6, .num_heads = 3, .bias = false});
  CHECK(names(plain) == Names{"in_proj_weight", "out_proj.weight"});
  nn::MultiHeadAttention<float> keys_only({.embed_dim = 6, .num_heads = 2, .bias = false, .kdim = 4});
  CHECK(names(keys_only) == Names{"q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"});
  CHECK(nn::parameter_count(keys_only) == 36 + 24 + 36 + 36);
}

TEST_CASE("MultiHeadAttention is initialised as in PyTorch") {
  nn::MultiHeadAttention<float> packed({.embed_dim = 24, .num_heads = 2});
  nn::initialize(packed, Random(1));
  CHECK(test::fills(packed.in_proj_weight, std::sqrt(6.0 / (4 * 24))));
  CHECK(test::largest(packed.in_proj_bias) == 0);
  CHECK(test::fills(packed.out_proj.weight, 1 / std::sqrt(24.0)));
  CHECK(test::largest(packed.out_proj.bias) == 0);
  nn::MultiHeadAttention<float> apart({.embed_dim = 24, .num_heads = 2, .kdim = 10});
  nn::initialize(apart, Random(1));
  CHECK(test::fills(apart.q_proj_weight, std::sqrt(6.0 / 48)));
  CHECK(test::fills(apart.k_proj_weight, std::sqrt(6.0 / 34)));
  CHECK(test::largest(apart.q_proj_weight) != test::largest(apart.v_proj_weight));
}

TEST_CASE("MultiHeadAttention: separate projections equal the parts of the packed projection") {
  const auto packed = make<double>({.embed_dim = 6, .num_heads = 2});
  nn::MultiHeadAttention<double> apart({.embed_dim = 6, .num_heads = 2, .kdim = 7, .vdim = 6});
  Tape<double> tape;
  const Tensor<double> q = normal<double>({6, 6}), k = normal<double>({9, 6}, "k"), v = normal<double>({9, 6}, "v");
  // A seventh key feature with zero weights requires separate projections and does not change the result.
  Tensor<double> wide({9, 7});
  wide.matrix().leftCols(6) = k.matrix();
  wide.matrix().col(6).setConstant(5);
  apart.q_proj_weight.value() = packed.in_proj_weight.value().matrix().topRows(6);
  Tensor<double> k_weight({6, 7});
  k_weight.matrix().leftCols(6) = packed.in_proj_weight.value().matrix().middleRows(6, 6);
  apart.k_proj_weight.value() = k_weight;
  apart.v_proj_weight.value() = packed.in_proj_weight.value().matrix().bottomRows(6);
  apart.in_proj_bias.value() = packed.in_proj_bias.value();
  apart.out_proj.weight.value() = packed.out_proj.weight.value();
  apart.out_proj.bias.value() = packed.out_proj.bias.value();
  const auto vq = tape.constant(q), vk = tape.constant(k), vv = tape.constant(v);
  const auto a = packed(vq, queries, vk, vv, keys, {.weights = true});
  const auto b = apart(vq, queries, tape.constant(wide), vv, keys, {.weights = true});
  CHECK(testing::allclose(a.context.value(), b.context.value(), 1e-13));
  CHECK(testing::allclose(a.weights.value(), b.weights.value(), 1e-13));
}

TEST_CASE("MultiHeadAttention: the fused projection for q = k = v equals three projections") {
  const auto layer = make<double>({.embed_dim = 6, .num_heads = 2});
  Tape<double> tape;
  const Tensor<double> x = normal<double>({9, 6});
  const auto a = tape.variable(x), q = tape.variable(x), k = tape.variable(x), v = tape.variable(x);
  const auto fused = layer(a, keys, {.mask = Mask::causal(), .weights = true});
  const auto three = layer(q, keys, k, v, keys, {.mask = Mask::causal(), .weights = true});
  CHECK(testing::allclose(fused.context.value(), three.context.value(), 1e-13));
  CHECK(testing::allclose(fused.weights.value(), three.weights.value(), 1e-13));
  backward(sum(multiply(fused.context, fused.context)));
  const Tensor<double> together(a.gradient());
  backward(sum(multiply(three.context, three.context)));
  Tensor<double> apart(q.gradient());
  apart.array() += Tensor<double>(k.gradient()).array() + Tensor<double>(v.gradient()).array();
  CHECK(testing::allclose(together, apart, 1e-12));
}

TEST_CASE("MultiHeadAttention: requested weights are distributions, and without visible keys the bias is returned") {
  const auto layer = make<double>({.embed_dim = 6, .num_heads = 2});
  Tape<double> tape;
  const auto q = tape.constant(normal<double>({6, 6})), k = tape.constant(normal<double>({9, 6}, "k"));
  CHECK(!layer(q, queries, k, k, keys).weights);
  const auto result = layer(q, queries, k, k, keys, {.weights = true});
  CHECK(result.context.shape() == Shape{6, 6});
  REQUIRE(result.weights.shape() == Shape{2 * (2 * 4 + 0 + 0 + 1 * 2)});
  for (Index row = 0; row < 4; ++row) {
    double total = 0;
    for (Index j = 0; j < 4; ++j) total += result.weights.value()[row * 4 + j];
    CHECK(total == Approx(1));
  }
  const auto mean = layer.mean_of_heads(result.weights, queries, keys).value();
  REQUIRE(mean.shape() == Shape{2 * 4 + 1 * 2});
  for (Index i = 0; i < 8; ++i) {
    CHECK(mean[i] == Approx((result.weights.value()[i] + result.weights.value()[8 + i]) / 2));
  }
  CHECK(mean[8] + mean[9] == Approx(1));
  for (Index i = 2; i < 5; ++i) {  // sequence 2 has queries but no keys
    for (Index j = 0; j < 6; ++j) CHECK(result.context.value()(i, j) == layer.out_proj.bias.value()(j));
  }
}

TEMPLATE_TEST_CASE("MultiHeadAttention: padded and ragged agree bit for bit, including gradients", "", float, double) {
  auto layer = make<TestType>({.embed_dim = 6, .num_heads = 2});
  const Index time = 5;
  const Tensor<TestType> x = normal<TestType>({9, 6});
  Tensor<TestType> wide = Tensor<TestType>::full({4, time, 6}, std::numeric_limits<TestType>::infinity());
  for (Index b = 0; b < 4; ++b) {
    for (Index t = 0; t < keys.length(b); ++t) {
      for (Index j = 0; j < 6; ++j) wide(b, t, j) = x(keys.begin(b) + t, j);
    }
  }
  Tape<TestType> one, two;
  const auto packed = one.variable(x), padded = two.variable(wide);
  const auto a = layer(packed, keys, {.mask = Mask::causal()}).context;
  const auto b =
      nn::pad_packed(layer(nn::pack_padded(padded, keys), keys, {.mask = Mask::causal()}).context, keys, time);
  CHECK(b.shape() == Shape{4, time, 6});
  backward(sum(multiply(a, a)));
  std::vector<Tensor<TestType>> gradients;
  for (const auto& named : nn::parameters(layer)) {
    gradients.push_back(named.parameter->gradient());
    named.parameter->zero_gradient();
  }
  backward(sum(multiply(b, b)));
  const auto list = nn::parameters(layer);
  for (std::size_t i = 0; i < list.size(); ++i) {
    INFO(list[i].name);
    CHECK(same(list[i].parameter->gradient().view(), gradients[i].view()));
  }
  for (Index s = 0; s < 4; ++s) {
    for (Index t = 0; t < time; ++t) {
      const bool inside = t < keys.length(s);
      for (Index j = 0; j < 6; ++j) {
        CHECK(b.value()(s * time + t, j) == (inside ? a.value()(keys.begin(s) + t, j) : TestType(0)));
        CHECK(padded.gradient()(s * time + t, j) == (inside ? packed.gradient()(keys.begin(s) + t, j) : TestType(0)));
      }
    }
  }
}

TEST_CASE("MultiHeadAttention: dropout is applied to the weights while training") {
  const auto layer = make<float>({.embed_dim = 6, .num_heads = 2, .dropout = 0.5});
  const Tensor<float> x = normal<float>({9, 6});
  Tape<float> still, training({.training = true, .random = Random(1)});
  const auto a = layer(still.constant(x), keys, {.weights = true}),
             b = layer(training.constant(x), keys, {.weights = true});
  CHECK(!same(a.context.value(), b.context.value()));
  Index zeros = 0;
  for (Index i = 0; i < b.weights.value().size(); ++i) zeros += b.weights.value()[i] == 0 ? 1 : 0;
  CHECK(zeros > 5);
  CHECK(zeros < b.weights.value().size() - 5);
}

TEST_CASE("MultiHeadAttention: the gradients of parameters and inputs are correct") {
  const auto check = [](const nn::MultiHeadAttentionOptions& options, Index kdim, Index vdim) {
    auto layer = make<double>(options);
    const auto result = test::gradcheck_module(
        nn::parameters(layer), {normal<double>({6, 6}), normal<double>({9, kdim}, "k"), normal<double>({9, vdim}, "v")},
        [&](Tape<double>&, std::span<const Var<double>> x) {
          return layer(x[0], queries, x[1], x[2], keys, {.mask = Mask::causal()}).context;
        },
        {.max_positions = 40, .tape = {.training = true, .random = Random(2)}});
    INFO(result.message());
    CHECK(result);
  };
  check({.embed_dim = 6, .num_heads = 2, .dropout = 0.2}, 6, 6);
  check({.embed_dim = 6, .num_heads = 3, .kdim = 4, .vdim = 5}, 4, 5);
}

TEST_CASE("MultiHeadAttention reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::MultiHeadAttention<float>({.embed_dim = 6, .num_heads = 4}); }) ==
        "MultiHeadAttention: 4 heads do not divide embed_dim 6");
  CHECK(error_of<OptionError>([] { nn::MultiHeadAttention<float>({.embed_dim = 6, .num_heads = 0}); }) != "");
  CHECK(error_of<OptionError>([] { nn::MultiHeadAttention<float>({.embed_dim = 6, .num_heads = 2, .dropout = 1}); }) ==
        "MultiHeadAttention: dropout 1.000000 is not in [0, 1)");
  const auto layer = make<float>({.embed_dim = 6, .num_heads = 2});
  Tape<float> tape;
  const auto q = tape.constant(Tensor<float>({6, 6})), k = tape.constant(Tensor<float>({9, 6}));
  CHECK(error_of<ShapeError>([&] { layer(q, queries, k, k, Segments({9})); }) ==
        "attention: 4 query sequences for 1 key sequences");
  CHECK(error_of<ShapeError>([&] { layer(k, queries, k, k, keys); }) ==
        "attention: query is [9, 6], wanted [6 tokens, features]");
  CHECK_THAT(error_of<ShapeError>([&] {
               layer(q, queries, tape.constant(Tensor<float>({9, 5})), k, keys);
             }),
             Catch::Matchers::StartsWith("linear: input [9, 5] does not end in 6 features"));
}

TEST_CASE("MultiHeadAttention: const modules train and moves keep parameters in place") {
  const auto call = [](const auto& layer, auto& tape) {
    const auto x = tape.constant(normal<float>({9, 6}));
    return layer(x, keys).context;
  };
  test::check_const_and_move(nn::MultiHeadAttention<float>({.embed_dim = 6, .num_heads = 2}), call);
}

}  // namespace HEED_TEST_UNIT
