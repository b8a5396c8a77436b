// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/seq2seq.hpp"

#include "heed/ops/mse_loss.hpp"
#include "heed/optim/adam.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::Seq2Seq;
using test::error_of;
using test::normal;
using test::same;
using Names = std::vector<std::string>;

const Segments segments({3, 0, 5, 1});

template <class Scalar>
Seq2Seq<Scalar> make() {
  Seq2Seq<Scalar> model({.input_size = 3, .hidden_size = 8, .num_heads = 2});
  nn::initialize(model, Random(1));
  return model;
}

TEST_CASE("Seq2Seq: parameter names and sizes") {
  Seq2Seq<float> model({.input_size = 3, .hidden_size = 8, .num_heads = 2});
  CHECK(test::names(model) == Names{"encoder.weight_ih_l0", "encoder.weight_hh_l0", "encoder.bias_ih_l0",
                                    "encoder.bias_hh_l0", "decoder.weight_ih_l0", "decoder.weight_hh_l0",
                                    "decoder.bias_ih_l0", "decoder.bias_hh_l0", "attention.in_proj_weight",
                                    "attention.in_proj_bias", "attention.out_proj.weight", "attention.out_proj.bias",
                                    "fc.weight", "fc.bias"});
  CHECK(nn::parameter_count(model) == 32 * 3 + 32 * 8 + 64 + 2 * 32 * 8 + 64 + 24 * 8 + 24 + 64 + 8 + 9);
}

TEST_CASE("Seq2Seq: one number per sequence, fc's bias for an empty one, and no dependence on the batch") {
  const auto model = make<float>();
  Tape<float> tape;
  const Tensor<float> x = normal<float>({9, 3});
  const auto y = model(tape.constant(x), segments);
  REQUIRE(y.shape() == Shape{4, 1});
  CHECK(y.value()[1] == model.fc.bias.value()(0));
  CHECK(y.value()[0] != y.value()[2]);
  for (Index b = 0; b < 4; ++b) {
    const Tensor<float> own(x.view().rows(segments.begin(b), segments.end(b)));
    CHECK(model(tape.constant(own), Segments({segments.length(b)})).value()[0] == y.value()[b]);
  }
  CHECK(!same(model(tape.constant(x), segments, Mask::causal()).value(), y.value()));
}

TEMPLATE_TEST_CASE("Seq2Seq: padded and ragged input give bitwise equal outputs and gradients", "", float, double) {
  auto model = make<TestType>();
  const Tensor<TestType> x = normal<TestType>({9, 3});
  Tensor<TestType> wide = Tensor<TestType>::full({4, 6, 3}, std::numeric_limits<TestType>::quiet_NaN());
  for (Index b = 0; b < 4; ++b) {
    for (Index t = 0; t < segments.length(b); ++t) {
      for (Index j = 0; j < 3; ++j) wide(b, t, j) = x(segments.begin(b) + t, j);
    }
  }
  Tape<TestType> one, two;
  const auto packed = one.variable(x), padded = two.variable(wide);
  const auto a = model(packed, segments, Mask::causal()), b = model.padded(padded, segments, Mask::causal());
  CHECK(same(a.value(), b.value()));
  backward(sum(multiply(a, a)));
  std::vector<Tensor<TestType>> gradients;
  for (const auto& named : nn::parameters(model)) {
    gradients.push_back(named.parameter->gradient());
    named.parameter->zero_gradient();
  }
  backward(sum(multiply(b, b)));
  const auto list = nn::parameters(model);
  for (std::size_t i = 0; i < list.size(); ++i) {
    INFO(list[i].name);
    CHECK(same(list[i].parameter->gradient().view(), gradients[i].view()));
  }
  for (Index s = 0; s < 4; ++s) {
    for (Index t = 0; t < 6; ++t) {
      for (Index j = 0; j < 3; ++j) {
        CHECK(padded.gradient()(s * 6 + t, j) ==
              (t < segments.length(s) ? packed.gradient()(segments.begin(s) + t, j) : TestType(0)));
      }
    }
  }
}

TEST_CASE("Seq2Seq: the gradients of a whole loss are correct") {
  auto model = make<double>();
  const Tensor<double> targets = normal<double>({4, 1}, "targets");
  const auto result =
      test::gradcheck_module(nn::parameters(model), {normal<double>({9, 3})},
                             [&](Tape<double>& tape, std::span<const Var<double>> x) {
                               return mse_loss(model(x[0], segments, Mask::causal()), tape.constant(targets));
                             },
                             {.max_positions = 20});
  INFO(result.message());
  CHECK(result);
}

TEST_CASE("Seq2Seq learns, from padded batches with Adam, how often the first feature is positive") {
  auto model = make<float>();
  const Segments lengths({4, 6, 1, 5, 3, 2, 6, 4});
  const Tensor<float> x = normal<float>({8, 6, 3});
  Tensor<float> targets({8, 1});
  for (Index b = 0; b < 8; ++b) {
    for (Index t = 0; t < lengths.length(b); ++t) targets(b, 0) += x(b, t, 0) > 0 ? 1.0f : 0.0f;
  }
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 0.01});
  Tape<float> tape({.training = true});
  float first = 0, last = 0;
  for (int step = 0; step < 150; ++step) {
    tape.clear();
    const auto loss = mse_loss(model.padded(tape.constant(x), lengths), tape.constant(targets));
    (step == 0 ? first : last) = loss.item();
    backward(loss);
    adam.step();
  }
  CHECK(first > 1);
  CHECK(last < 0.05f);
}

TEST_CASE("Seq2Seq rejects invalid arguments") {
  CHECK(error_of<OptionError>([] { Seq2Seq<float>({.input_size = 3, .hidden_size = 10}); }) ==
        "MultiHeadAttention: 8 heads do not divide embed_dim 10");
  const auto model = make<float>();
  Tape<float> tape;
  CHECK(error_of<ShapeError>([&] {
          model(tape.constant(Tensor<float>({9, 4})), segments);
        }) == "lstm: input is [9, 4], wanted [9 tokens, 3 features]");
}

TEST_CASE("Seq2Seq: a const model trains, and a move keeps parameters in place") {
  test::check_const_and_move(Seq2Seq<float>({.input_size = 3, .hidden_size = 8, .num_heads = 2}),
                             [](const auto& model, auto& tape) {
                               return model(tape.constant(normal<float>({9, 3})), segments);
                             });
}

}  // namespace HEED_TEST_UNIT
