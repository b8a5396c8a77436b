// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/attention_pooling.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments segments({4, 0, 1, 3});

nn::AttentionPooling<double> make(nn::PoolingScore score) {
  return initialized(nn::AttentionPooling<double>({.embed_dim = 6, .num_heads = 2, .score = score, .hidden_size = 5}));
}

TEST_CASE("AttentionPooling: names, counts and initial values") {
  nn::AttentionPooling<float> dot({.embed_dim = 16, .num_heads = 4});
  CHECK(names(dot) ==
        Names{"key.weight", "key.bias", "query", "value.weight", "value.bias", "output.weight", "output.bias"});
  CHECK(nn::parameter_count(dot) == 3 * (16 * 16 + 16) + 16);
  nn::initialize(dot, Random(1));
  CHECK(test::fills(dot.output.weight, 0.25));
  CHECK(test::fills(dot.key->weight, 0.25));
  CHECK(dot.query.value().array().square().mean() == Approx(1).margin(0.8));
  CHECK(dot.key->weight.value()(0, 0) != dot.value.weight.value()(0, 0));
  nn::AttentionPooling<float> mlp({.embed_dim = 16, .num_heads = 4, .score = nn::PoolingScore::mlp});
  CHECK(names(mlp) == Names{"mlp.layers.0.weight", "mlp.layers.0.bias", "mlp.layers.1.weight", "mlp.layers.1.bias",
                            "value.weight", "value.bias", "output.weight", "output.bias"});
  CHECK(nn::parameter_count(mlp) == 16 * 16 + 16 + 16 * 4 + 4 + 2 * (16 * 16 + 16));
  nn::initialize(mlp, Random(1));
  CHECK(test::fills(*nn::parameters(mlp)[0].parameter, 0.25));
}

TEST_CASE("AttentionPooling computes scores, a softmax per head, weighted sums and a projection") {
  for (const auto score : {nn::PoolingScore::dot_product, nn::PoolingScore::mlp}) {
    auto layer = make(score);
    const Tensor<double> x = normal<double>({8, 6});
    Tensor<double> weights({8, 2}), expected({4, 6});
    const auto list = nn::parameters(layer);
    for (Index i = 0; i < 8; ++i) {
      for (Index h = 0; h < 2; ++h) {
        double& w = weights(i, h);
        if (score == nn::PoolingScore::dot_product) {
          for (Index e = 3 * h; e < 3 * h + 3; ++e) {
            const double key =
                layer.key->weight.value().matrix().row(e).dot(x.matrix().row(i)) + layer.key->bias.value()(e);
            w += layer.query.value()(e) * key / std::sqrt(3.0);
          }
        } else {
          w = list[3].parameter->value()(h);
          for (Index u = 0; u < 5; ++u) {
            const double hidden = list[0].parameter->value().matrix().row(u).dot(x.matrix().row(i));
            w += list[2].parameter->value()(h, u) * std::tanh(hidden + list[1].parameter->value()(u));
          }
        }
      }
    }
    for (Index b = 0; b < 4; ++b) {
      Tensor<double> pooled({6});
      for (Index h = 0; h < 2; ++h) {
        double total = 0;
        for (Index i = segments.begin(b); i < segments.end(b); ++i) total += std::exp(weights(i, h));
        for (Index i = segments.begin(b); i < segments.end(b); ++i) {
          weights(i, h) = std::exp(weights(i, h)) / total;
          for (Index e = 3 * h; e < 3 * h + 3; ++e) {
            pooled(e) += weights(i, h) * (layer.value.weight.value().matrix().row(e).dot(x.matrix().row(i)) +
                                          layer.value.bias.value()(e));
          }
        }
      }
      for (Index o = 0; o < 6; ++o) {
        expected(b, o) =
            layer.output.weight.value().matrix().row(o).dot(pooled.vector()) + layer.output.bias.value()(o);
      }
    }
    Tape<double> tape;
    CHECK(!layer(tape.constant(x), segments).weights);
    const auto result = layer(tape.constant(x), segments, {.weights = true});
    Tensor<double> packed({8 * 2});  // each sequence's [heads, tokens], concatenated
    double* weight = packed.data();
    for (Index b = 0; b < 4; ++b) {
      for (Index h = 0; h < 2; ++h) {
        for (Index i = segments.begin(b); i < segments.end(b); ++i) *weight++ = weights(i, h);
      }
    }
    CHECK(testing::allclose(result.weights.value(), std::as_const(packed).view(), 1e-13));
    CHECK(testing::allclose(result.context.value(), std::as_const(expected).view(), 1e-13));
    for (Index o = 0; o < 6; ++o) CHECK(result.context.value()(1, o) == layer.output.bias.value()(o));
  }
}

TEST_CASE("AttentionPooling with a mask pools what is visible") {
  for (const auto score : {nn::PoolingScore::dot_product, nn::PoolingScore::mlp}) {
    const auto layer = make(score);
    const Tensor<double> x = normal<double>({8, 6});
    Tensor<double> seen({4, 6});
    for (Index i = 0; i < 3; ++i) std::copy_n(x.data() + 6 * i, 6, seen.data() + 6 * i);
    std::copy_n(x.data() + 6 * 5, 6, seen.data() + 6 * 3);
    Tape<double> tape;
    const Mask mask = Mask::lengths(std::vector<Index>{3, 0, 0, 1});
    const auto pooled = layer(tape.constant(x), segments, {.mask = mask}).context;
    CHECK(same(pooled.value(), layer(tape.constant(seen), Segments({3, 0, 0, 1})).context.value()));
  }
}

TEST_CASE("AttentionPooling: the gradients of parameters and input are correct") {
  for (const auto score : {nn::PoolingScore::dot_product, nn::PoolingScore::mlp}) {
    auto layer = make(score);
    const auto result = test::gradcheck_module(
        nn::parameters(layer), {normal<double>({8, 6})},
        [&](Tape<double>&, std::span<const Var<double>> x) { return layer(x[0], segments).context; });
    INFO(result.message());
    CHECK(result);
  }
}

TEST_CASE("AttentionPooling reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::AttentionPooling<float>({.embed_dim = 6, .num_heads = 4}); }) ==
        "AttentionPooling: 4 heads do not divide embed_dim 6");
  CHECK(error_of<OptionError>([] { nn::AttentionPooling<float>({.embed_dim = 6, .num_heads = 0}); }) ==
        "AttentionPooling: 0 heads do not divide embed_dim 6");
  const auto layer = make(nn::PoolingScore::dot_product);
  Tape<double> tape;
  CHECK_THAT(error_of<ShapeError>([&] {
               layer(tape.constant(Tensor<double>({7, 6})), segments);
             }),
             Catch::Matchers::Contains("8 tokens"));
}

TEST_CASE("AttentionPooling allocates nothing in a warm call") {
  for (const auto score : {nn::PoolingScore::dot_product, nn::PoolingScore::mlp}) {
    const auto layer = make(score);
    const Tensor<double> x = normal<double>({8, 6});
    Tape<double> tape;
    const auto step = [&] {
      tape.clear();
      backward(sum(layer(tape.variable(x), segments).context));
    };
    CHECK(test::warm_allocations(step) == 0);
  }
}

TEST_CASE("AttentionPooling: const modules train and moves keep parameters in place") {
  test::check_const_and_move(
      nn::AttentionPooling<float>({.embed_dim = 6, .num_heads = 2, .score = nn::PoolingScore::mlp}),
      [](const auto& layer, auto& tape) { return layer(tape.constant(normal<float>({8, 6})), segments).context; });
}

}  // namespace HEED_TEST_UNIT
