// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/gru.hpp"

#include "heed/ops/operators.hpp"
#include "nn/layers.hpp"

namespace {

using namespace heed;
using test::error_of;
using test::names;
using test::normal;
using test::same;
using Names = std::vector<std::string>;

const Segments ragged({3, 0, 5, 1});

template <class Scalar>
nn::GRU<Scalar> make(const nn::GruOptions& options) {
  nn::GRU<Scalar> gru(options);
  nn::initialize(gru, Random(1));
  return gru;
}

/// A sum of squares of everything the GRU gives.
template <class Scalar>
Var<Scalar> loss_of(const typename nn::GRU<Scalar>::Result& result) {
  return sum(multiply(result.output, result.output)) + sum(multiply(result.h_n, result.h_n));
}

}  // namespace

TEST_CASE("GRU: PyTorch's names, in its order, and counts") {
  nn::GRU<float> plain({.input_size = 7, .hidden_size = 9});
  CHECK(names(plain) == Names{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"});
  CHECK(nn::parameter_count(plain) == 27 * 7 + 27 * 9 + 2 * 27);
  nn::GRU<float> all({.input_size = 7, .hidden_size = 9, .num_layers = 2, .bias = false, .bidirectional = true});
  CHECK(names(all) == Names{"weight_ih_l0", "weight_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse",
                            "weight_ih_l1", "weight_hh_l1", "weight_ih_l1_reverse", "weight_hh_l1_reverse"});
  CHECK(nn::parameters(all)[4].parameter->shape() == Shape{27, 18});
  CHECK(all.directions() == 2);
  CHECK(all.output_size() == 9);
}

TEST_CASE("GRU: every parameter starts uniform in +-1/sqrt(hidden)") {
  auto gru = make<float>({.input_size = 5, .hidden_size = 16, .num_layers = 2});
  for (const auto& named : nn::parameters(gru)) {
    INFO(named.name);
    CHECK(test::fills(*named.parameter, 0.25));
  }
}

TEST_CASE("GRU: shapes of output and states, and empty sequences keep their state") {
  const auto gru = make<double>({.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true});
  Tape<double> tape;
  const auto x = tape.constant(normal<double>({9, 3}));
  const auto h0 = tape.constant(normal<double>({4, 4, 4}, "h"));
  const auto result = gru(x, ragged, h0);
  CHECK(result.output.shape() == Shape{9, 8});
  CHECK(result.h_n.shape() == Shape{4, 4, 4});
  for (Index cell = 0; cell < 4; ++cell) {
    for (Index j = 0; j < 4; ++j) {
      CHECK(result.h_n.value()(cell * 4 + 1, j) == h0.value()(cell * 4 + 1, j));
      CHECK(result.h_n.value()(cell * 4, j) != h0.value()(cell * 4, j));
    }
  }
  // Forward, the last layer's final state is the last output; backward, it is the first.
  CHECK(result.h_n.value()(2 * 4 + 2, 0) == result.output.value()(7, 0));
  CHECK(result.h_n.value()(3 * 4 + 2, 0) == result.output.value()(3, 4));
  // No state given is a state of zeros.
  CHECK(same(gru(x, ragged).output.value(), gru(x, ragged, tape.constant(Tensor<double>({4, 4, 4}))).output.value()));
  // Nothing at all.
  const auto nothing = gru(tape.constant(Tensor<double>({0, 3})), Segments({0, 0}));
  CHECK(nothing.output.shape() == Shape{0, 8});
  CHECK(nothing.h_n.shape() == Shape{4, 2, 4});
  CHECK(gru(tape.constant(Tensor<double>({0, 3})), Segments()).h_n.shape() == Shape{4, 0, 4});
}

TEMPLATE_TEST_CASE("GRU: a sequence does not depend on its batch", "", float, double) {
  const auto gru = make<TestType>({.input_size = 3, .hidden_size = 21, .num_layers = 2, .bidirectional = true});
  const std::vector<Index> lengths = {3, 70, 0, 1, 5, 2, 9, 33};
  const Segments segments(lengths);
  Tape<TestType> tape;
  const Tensor<TestType> x = normal<TestType>({segments.tokens(), 3});
  const auto together = gru(tape.constant(x), segments);
  for (Index b = 0; b < segments.count(); ++b) {
    INFO(b);
    const auto alone = gru(tape.constant(Tensor<TestType>(x.view().rows(segments.begin(b), segments.end(b))).view()),
                           Segments({segments.length(b)}));
    CHECK(same(alone.output.value(), together.output.value().rows(segments.begin(b), segments.end(b))));
  }
}

TEST_CASE("GRU: dropout acts between layers, while training") {
  const Tensor<float> x = normal<float>({9, 3});
  const auto differs = [&](Index layers) {
    const auto gru = make<float>({.input_size = 3, .hidden_size = 8, .num_layers = layers, .dropout = 0.5});
    Tape<float> still, training({.training = true, .random = Random(1)});
    const auto a = gru(still.constant(x), ragged), b = gru(training.constant(x), ragged);
    return !same(a.output.value(), b.output.value());
  };
  CHECK(differs(2));
  CHECK(!differs(1));
}

TEST_CASE("GRU: the gradients of a deep one are right") {
  auto gru = make<double>({.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true, .dropout = 0.3});
  const auto result = test::gradcheck_module(
      nn::parameters(gru), {normal<double>({9, 3}), normal<double>({4, 4, 4}, "h")},
      [&](Tape<double>&, std::span<const Var<double>> x) { return loss_of<double>(gru(x[0], ragged, x[1])); },
      {.max_positions = 40, .tape = {.training = true, .random = Random(2)}});
  INFO(result.message());
  CHECK(result);
}

TEST_CASE("GRU says what is wrong") {
  CHECK(error_of<OptionError>([] { nn::GRU<float>({.input_size = 3, .hidden_size = 4, .dropout = 1}); }) ==
        "GRU: input_size 3, hidden_size 4, num_layers 1, dropout 1.000000");
  for (const nn::GruOptions& bad :
       {nn::GruOptions{.input_size = 0, .hidden_size = 4}, nn::GruOptions{.input_size = 3, .hidden_size = 0},
        nn::GruOptions{.input_size = 3, .hidden_size = 4, .num_layers = 0}}) {
    CHECK(error_of<OptionError>([&] { nn::GRU<float>{bad}; }) != "");
  }
  const auto gru = make<float>({.input_size = 3, .hidden_size = 4});
  Tape<float> tape;
  CHECK(error_of<ShapeError>([&] {
          gru(tape.constant(Tensor<float>({9, 2})), ragged);
        }) == "gru: input is [9, 2], wanted [9 tokens, 3 features]");
  CHECK(error_of<ShapeError>([&] {
          gru(tape.constant(Tensor<float>({9, 3})), ragged, tape.constant(Tensor<float>({4, 4})));
        }) == "GRU: initial state [4, 4], wanted [1, 4, 4]");
}

TEST_CASE("GRU: const trains, a move moves no parameter") {
  test::check_const_and_move(nn::GRU<float>({.input_size = 3, .hidden_size = 4, .num_layers = 2}),
                             [](const auto& gru, auto& tape) {
                               return gru(tape.constant(normal<float>({9, 3})), ragged).output;
                             });
}
