// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/gru.hpp"

#include "heed/ops/operators.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments ragged({3, 0, 5, 1});

template <class Scalar>
nn::GRU<Scalar> make(const nn::GruOptions& options) {
  return initialized(nn::GRU<Scalar>(options));
}

/// Returns the sum of squares of all results of the GRU.
template <class Scalar>
Var<Scalar> loss_of(const typename nn::GRU<Scalar>::Result& result) {
  return sum(multiply(result.output, result.output)) + sum(multiply(result.h_n, result.h_n));
}

TEST_CASE("GRU: PyTorch's names in its order, and counts") {
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

TEST_CASE("GRU: output and states have the right shapes and empty sequences keep their state") {
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
  // The last layer's final state is the last output in the forward direction and the first in the reverse direction.
  CHECK(result.h_n.value()(2 * 4 + 2, 0) == result.output.value()(7, 0));
  CHECK(result.h_n.value()(3 * 4 + 2, 0) == result.output.value()(3, 4));
  // An empty initial state means zeros.
  CHECK(same(gru(x, ragged).output.value(), gru(x, ragged, tape.constant(Tensor<double>({4, 4, 4}))).output.value()));
  // Sequences without tokens, and no sequences.
  const auto nothing = gru(tape.constant(Tensor<double>({0, 3})), Segments({0, 0}));
  CHECK(nothing.output.shape() == Shape{0, 8});
  CHECK(nothing.h_n.shape() == Shape{4, 2, 4});
  CHECK(gru(tape.constant(Tensor<double>({0, 3})), Segments()).h_n.shape() == Shape{4, 0, 4});
}

TEST_CASE("GRU: the gradients of a deep network are correct") {
  auto gru = make<double>({.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true, .dropout = 0.3});
  const auto result = test::gradcheck_module(
      nn::parameters(gru), {normal<double>({9, 3}), normal<double>({4, 4, 4}, "h")},
      [&](Tape<double>&, std::span<const Var<double>> x) { return loss_of<double>(gru(x[0], ragged, x[1])); },
      {.max_positions = 40, .tape = {.training = true, .random = Random(2)}});
  INFO(result.message());
  CHECK(result);
}

TEST_CASE("GRU reports invalid arguments") {
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

}  // namespace HEED_TEST_UNIT
