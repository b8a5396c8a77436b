// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/target_attention.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments candidates({2, 0, 3, 1}), histories({4, 3, 0, 2});

nn::TargetAttention<double> make(bool softmax) {
  return initialized(nn::TargetAttention<double>({.embed_dim = 3, .hidden_features = {4}, .softmax = softmax}));
}

TEST_CASE("TargetAttention: names and counts") {
  nn::TargetAttention<float> layer({.embed_dim = 5, .hidden_features = {8, 7}});
  CHECK(names(layer) == Names{"unit.layers.0.weight", "unit.layers.0.bias", "unit.layers.1.weight",
                              "unit.layers.1.bias", "unit.layers.2.weight", "unit.layers.2.bias"});
  CHECK(nn::parameter_count(layer) == 20 * 8 + 8 + 8 * 7 + 7 + 7 + 1);
  nn::TargetAttention<float> standard({.embed_dim = 5});
  CHECK(nn::parameter_count(standard) == 20 * 36 + 36 + 36 + 1);
}

TEST_CASE("TargetAttention scores q, k, q - k and q * k by its MLP") {
  for (const bool softmax : {true, false}) {
    INFO(softmax);
    auto layer = make(softmax);
    const auto list = nn::parameters(layer);
    const auto& w0 = list[0].parameter->value();
    const auto& b0 = list[1].parameter->value();
    const auto& w1 = list[2].parameter->value();
    const auto& b1 = list[3].parameter->value();
    const Tensor<double> q = normal<double>({6, 3}), k = normal<double>({9, 3}, "k"), v = normal<double>({9, 2}, "v");
    Tensor<double> context({6, 2}), weights({2 * 4 + 1 * 2});
    double* weight = weights.data();
    for (Index b = 0; b < 4; ++b) {
      for (Index i = candidates.begin(b); i < candidates.end(b); ++i) {
        double total = 0;
        double* const first = weight;
        for (Index j = histories.begin(b); j < histories.end(b); ++j) {
          double score = b1(0);
          for (Index h = 0; h < 4; ++h) {
            double sum = b0(h);
            for (Index e = 0; e < 3; ++e) {
              sum += w0(h, e) * q(i, e) + w0(h, 3 + e) * k(j, e) + w0(h, 6 + e) * (q(i, e) - k(j, e)) +
                     w0(h, 9 + e) * q(i, e) * k(j, e);
            }
            score += w1(0, h) / (1 + std::exp(-sum));
          }
          total += * weight++ = softmax ? std::exp(score) : score;
        }
        for (Index j = histories.begin(b); j < histories.end(b); ++j) {
          double& w = first[j - histories.begin(b)];
          if (softmax) w /= total;
          for (Index d = 0; d < 2; ++d) context(i, d) += w * v(j, d);
        }
      }
    }
    Tape<double> tape;
    const auto result =
        layer(tape.constant(q), candidates, tape.constant(k), tape.constant(v), histories, {.weights = true});
    CHECK(testing::allclose(result.context.value(), std::as_const(context).view(), 1e-13));
    CHECK(testing::allclose(result.weights.value(), std::as_const(weights).view(), 1e-13));
  }
}

TEST_CASE("TargetAttention: one candidate per sequence equals the general case, an empty history gives 0") {
  const auto layer = make(true);
  const Segments one({1, 1, 1, 1}), split({1, 1, 1, 1, 0});
  const Tensor<double> q = normal<double>({4, 3}), k = normal<double>({9, 3}, "k");
  Tape<double> a, b;
  const auto qa = a.variable(q), ka = a.variable(k), qb = b.variable(q), kb = b.variable(k);
  // A fifth sequence without candidates selects the general case.
  const auto x = layer(qa, one, ka, ka, histories, {.weights = true});
  const auto y = layer(qb, split, kb, kb, Segments({4, 3, 0, 2, 0}), {.weights = true});
  CHECK(same(x.context.value(), y.context.value()));
  CHECK(same(x.weights.value(), y.weights.value()));
  for (Index j = 0; j < 3; ++j) CHECK(x.context.value()(2, j) == 0);
  backward(sum(multiply(x.context, x.context)));
  backward(sum(multiply(y.context, y.context)));
  CHECK(testing::allclose(qa.gradient(), qb.gradient(), 1e-14));
  CHECK(testing::allclose(ka.gradient(), kb.gradient(), 1e-14));
}

TEST_CASE("TargetAttention: the gradients of parameters and inputs are correct") {
  for (const bool softmax : {true, false}) {
    for (const Segments& q_segments : {candidates, Segments({1, 1, 1, 1})}) {
      auto layer = make(softmax);
      const auto result = test::gradcheck_module(
          nn::parameters(layer),
          {normal<double>({q_segments.tokens(), 3}), normal<double>({9, 3}, "k"), normal<double>({9, 2}, "v")},
          [&](Tape<double>&, std::span<const Var<double>> x) {
            return layer(x[0], q_segments, x[1], x[2], histories).context;
          });
      INFO(result.message());
      CHECK(result);
    }
  }
}

TEST_CASE("TargetAttention reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::TargetAttention<float>({.embed_dim = 0}); }) != "");
  const auto layer = make(true);
  Tape<double> tape;
  const auto q = tape.constant(Tensor<double>({6, 3})), k = tape.constant(Tensor<double>({9, 3}));
  CHECK(error_of<ShapeError>([&] { layer(q, candidates, k, k, Segments({9})); }) ==
        "target_attention: 4 query sequences for 1 key sequences");
  CHECK(error_of<ShapeError>([&] {
          layer(q, candidates, tape.constant(Tensor<double>({9, 4})), k, histories);
        }) == "target_attention: queries of 3 features for keys of 4");
}

TEST_CASE("TargetAttention allocates nothing in a warm call with any number of candidates per sequence") {
  const auto layer = make(true);
  const Tensor<double> k = normal<double>({9, 3}, "k");
  for (const Segments& q_segments : {Segments({1, 1, 1, 1}), candidates}) {
    const Tensor<double> q = normal<double>({q_segments.tokens(), 3});
    for (const Mask& mask : {Mask(), Mask::causal()}) {
      Tape<double> tape;
      const auto step = [&] {
        tape.clear();
        const auto keys = tape.variable(k);
        backward(sum(layer(tape.variable(q), q_segments, keys, keys, histories, {.mask = mask}).context));
      };
      CHECK(test::warm_allocations(step) == 0);
    }
  }
}

TEST_CASE("TargetAttention: const modules train and moves keep parameters in place") {
  test::check_const_and_move(nn::TargetAttention<float>({.embed_dim = 3, .softmax = false}),
                             [](const auto& layer, auto& tape) {
                               const auto k = tape.constant(normal<float>({9, 3}, "k"));
                               return layer(tape.constant(normal<float>({6, 3})), candidates, k, k, histories).context;
                             });
}

}  // namespace HEED_TEST_UNIT
