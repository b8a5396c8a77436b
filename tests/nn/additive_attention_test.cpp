// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/additive_attention.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments queries({2, 0, 3, 1}), keys({4, 3, 0, 2});

TEST_CASE("AdditiveAttention: names, counts and initial values") {
  nn::AdditiveAttention<float> layer({.query_size = 4, .key_size = 9, .hidden_size = 25});
  CHECK(names(layer) == Names{"query.weight", "key.weight", "key.bias", "score"});
  CHECK(nn::parameter_count(layer) == 25 * 4 + 25 * 9 + 25 + 25);
  nn::initialize(layer, Random(1));
  CHECK(test::fills(layer.query.weight, 0.5));
  CHECK(test::fills(layer.key.weight, 1.0 / 3));
  CHECK(test::fills(layer.score, 0.2));
}

TEST_CASE("AdditiveAttention computes softmax(v . tanh(W_q q + W_k k + b))") {
  auto layer = initialized(nn::AdditiveAttention<double>({.query_size = 3, .key_size = 4, .hidden_size = 5}));
  const Tensor<double> q = normal<double>({6, 3}), k = normal<double>({9, 4}, "k"), v = normal<double>({9, 2}, "v");
  Tensor<double> context({6, 2}), weights({2 * 4 + 1 * 2});
  double* weight = weights.data();
  for (Index b = 0; b < 4; ++b) {
    for (Index i = queries.begin(b); i < queries.end(b); ++i) {
      double total = 0;
      double* const first = weight;
      for (Index j = keys.begin(b); j < keys.end(b); ++j) {
        double score = 0;
        for (Index h = 0; h < 5; ++h) {
          const double at_q = layer.query.weight.value().matrix().row(h).dot(q.matrix().row(i));
          const double at_k = layer.key.weight.value().matrix().row(h).dot(k.matrix().row(j));
          score += layer.score.value()(h) * std::tanh(at_q + at_k + layer.key.bias.value()(h));
        }
        total += * weight++ = std::exp(score);
      }
      for (Index j = keys.begin(b); j < keys.end(b); ++j) {
        first[j - keys.begin(b)] /= total;
        for (Index d = 0; d < 2; ++d) context(i, d) += first[j - keys.begin(b)] * v(j, d);
      }
    }
  }
  Tape<double> tape;
  const auto result = layer(tape.constant(q), queries, tape.constant(k), tape.constant(v), keys, {.weights = true});
  CHECK(testing::allclose(result.context.value(), std::as_const(context).view(), 1e-13));
  CHECK(testing::allclose(result.weights.value(), std::as_const(weights).view(), 1e-13));
  CHECK(!layer(tape.constant(q), queries, tape.constant(k), tape.constant(v), keys).weights);
}

TEST_CASE("AdditiveAttention: the gradients of parameters and inputs are correct") {
  auto layer = initialized(nn::AdditiveAttention<double>({.query_size = 3, .key_size = 4, .hidden_size = 5}));
  const auto result = test::gradcheck_module(
      nn::parameters(layer), {normal<double>({6, 3}), normal<double>({9, 4}, "k"), normal<double>({9, 2}, "v")},
      [&](Tape<double>&, std::span<const Var<double>> x) {
        return layer(x[0], queries, x[1], x[2], keys, {.mask = Mask::causal()}).context;
      });
  INFO(result.message());
  CHECK(result);
}

TEST_CASE("AdditiveAttention reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::AdditiveAttention<float>({.query_size = 3, .key_size = 4}); }) != "");
  const auto layer = initialized(nn::AdditiveAttention<float>({.query_size = 3, .key_size = 4, .hidden_size = 5}));
  Tape<float> tape;
  const auto q = tape.constant(Tensor<float>({6, 3})), k = tape.constant(Tensor<float>({9, 4}));
  CHECK(error_of<ShapeError>([&] { layer(q, keys, k, k, keys); }) ==
        "additive_attention: query is [6, 5], wanted [9 tokens, features]");
  CHECK_THAT(error_of<ShapeError>([&] { layer(k, keys, k, k, keys); }),
             Catch::Matchers::StartsWith("linear: input [9, 4] does not end in 3 features"));
}

TEST_CASE("AdditiveAttention: const modules train and moves keep parameters in place") {
  test::check_const_and_move(nn::AdditiveAttention<float>({.query_size = 3, .key_size = 4, .hidden_size = 5}),
                             [](const auto& layer, auto& tape) {
                               const auto k = tape.constant(normal<float>({9, 4}, "k"));
                               return layer(tape.constant(normal<float>({6, 3})), queries, k, k, keys).context;
                             });
}

}  // namespace HEED_TEST_UNIT
