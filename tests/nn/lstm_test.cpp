// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/lstm.hpp"

#include "heed/nn/padded.hpp"
#include "heed/ops/operators.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments ragged({3, 0, 5, 1});

template <class Scalar>
nn::LSTM<Scalar> make(const nn::LstmOptions& options) {
  return initialized(nn::LSTM<Scalar>(options));
}

/// Returns the sum of squares of all results of the LSTM.
template <class Scalar>
Var<Scalar> loss_of(Var<Scalar> output, const typename nn::LSTM<Scalar>::Result& result) {
  return sum(multiply(output, output)) + sum(multiply(result.h_n, result.h_n)) + sum(multiply(result.c_n, result.c_n));
}

TEST_CASE("LSTM: PyTorch's names in its order, and counts") {
  nn::LSTM<float> plain({.input_size = 7, .hidden_size = 9});
  CHECK(names(plain) == Names{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"});
  CHECK(nn::parameter_count(plain) == 36 * 7 + 36 * 9 + 2 * 36);
  nn::LSTM<float> all(
      {.input_size = 7, .hidden_size = 9, .num_layers = 2, .bias = false, .bidirectional = true, .proj_size = 5});
  CHECK(names(all) == Names{"weight_ih_l0", "weight_hh_l0", "weight_hr_l0", "weight_ih_l0_reverse",
                            "weight_hh_l0_reverse", "weight_hr_l0_reverse", "weight_ih_l1", "weight_hh_l1",
                            "weight_hr_l1", "weight_ih_l1_reverse", "weight_hh_l1_reverse", "weight_hr_l1_reverse"});
  CHECK(nn::parameters(all)[6].parameter->shape() == Shape{36, 10});
  CHECK(nn::parameter_count(all) == 2 * (36 * 7 + 36 * 5 + 5 * 9) + 2 * (36 * 10 + 36 * 5 + 5 * 9));
  CHECK(all.directions() == 2);
  CHECK(all.output_size() == 5);
  CHECK(plain.output_size() == 9);
}

TEST_CASE("LSTM: output and states have the right shapes and empty sequences keep their state") {
  const auto lstm =
      make<double>({.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true, .proj_size = 2});
  Tape<double> tape;
  const auto x = tape.constant(normal<double>({9, 3}));
  const auto h0 = tape.constant(normal<double>({4, 4, 2}, "h")), c0 = tape.constant(normal<double>({4, 4, 4}, "c"));
  const auto result = lstm(x, ragged, {h0, c0});
  CHECK(result.output.shape() == Shape{9, 4});
  CHECK(result.h_n.shape() == Shape{4, 4, 2});
  CHECK(result.c_n.shape() == Shape{4, 4, 4});
  for (Index cell = 0; cell < 4; ++cell) {
    for (Index j = 0; j < 2; ++j) {
      CHECK(result.h_n.value()(cell * 4 + 1, j) == h0.value()(cell * 4 + 1, j));
      CHECK(result.h_n.value()(cell * 4, j) != h0.value()(cell * 4, j));
    }
  }
  // The last layer's final state is the last output in the forward direction and the first in the reverse direction.
  CHECK(result.h_n.value()(2 * 4 + 2, 0) == result.output.value()(7, 0));
  CHECK(result.h_n.value()(3 * 4 + 2, 0) == result.output.value()(3, 2));
  // An empty initial state means zeros.
  const auto zeros =
      lstm(x, ragged, {tape.constant(Tensor<double>({4, 4, 2})), tape.constant(Tensor<double>({4, 4, 4}))});
  CHECK(same(lstm(x, ragged).output.value(), zeros.output.value()));
  // Sequences without tokens, and no sequences.
  const auto nothing = lstm(tape.constant(Tensor<double>({0, 3})), Segments({0, 0}));
  CHECK(nothing.output.shape() == Shape{0, 4});
  CHECK(nothing.c_n.shape() == Shape{4, 2, 4});
  CHECK(lstm(tape.constant(Tensor<double>({0, 3})), Segments()).h_n.shape() == Shape{4, 0, 2});
}

TEMPLATE_TEST_CASE("LSTM: padded and ragged agree bit for bit, including gradients", "", float, double) {
  auto lstm = make<TestType>({.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true});
  const Index time = 6;
  Tensor<TestType> wide = Tensor<TestType>::full({4, time, 3}, std::numeric_limits<TestType>::quiet_NaN());
  const Tensor<TestType> x = normal<TestType>({9, 3});
  for (Index b = 0; b < 4; ++b) {
    for (Index t = 0; t < ragged.length(b); ++t) {
      for (Index j = 0; j < 3; ++j) wide(b, t, j) = x(ragged.begin(b) + t, j);
    }
  }
  std::vector<Tensor<TestType>> gradients;
  Tape<TestType> one, two;
  const auto packed = one.variable(x), padded = two.variable(wide);
  const auto a = lstm(packed, ragged), b = lstm(nn::pack_padded(padded, ragged), ragged);
  const auto back = nn::pad_packed(b.output, ragged, time);
  for (Index s = 0; s < 4; ++s) {
    for (Index t = 0; t < time; ++t) {
      for (Index j = 0; j < 8; ++j) {
        const TestType expected = t < ragged.length(s) ? a.output.value()(ragged.begin(s) + t, j) : TestType(0);
        CHECK(back.value()(s * time + t, j) == expected);
      }
    }
  }
  CHECK(same(a.h_n.value(), b.h_n.value()));
  CHECK(same(a.c_n.value(), b.c_n.value()));
  backward(loss_of(a.output, a));
  for (const auto& named : nn::parameters(lstm)) {
    gradients.push_back(named.parameter->gradient());
    named.parameter->zero_gradient();
  }
  backward(loss_of(nn::pack_padded(back, ragged), b));
  const auto list = nn::parameters(lstm);
  for (std::size_t i = 0; i < list.size(); ++i) {
    INFO(list[i].name);
    CHECK(same(list[i].parameter->gradient().view(), gradients[i].view()));
  }
  for (Index s = 0; s < 4; ++s) {
    for (Index t = 0; t < time; ++t) {
      for (Index j = 0; j < 3; ++j) {
        const TestType expected = t < ragged.length(s) ? packed.gradient()(ragged.begin(s) + t, j) : TestType(0);
        CHECK(padded.gradient()(s * time + t, j) == expected);
      }
    }
  }
}

TEST_CASE("LSTM: the gradients of a deep network are correct") {
  auto lstm = make<double>(
      {.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true, .dropout = 0.3, .proj_size = 2});
  const auto result = test::gradcheck_module(
      nn::parameters(lstm), {normal<double>({9, 3}), normal<double>({4, 4, 2}, "h"), normal<double>({4, 4, 4}, "c")},
      [&](Tape<double>&, std::span<const Var<double>> x) {
        const auto r = lstm(x[0], ragged, {x[1], x[2]});
        return loss_of(r.output, r);
      },
      {.max_positions = 40, .tape = {.training = true, .random = Random(2)}});
  INFO(result.message());
  CHECK(result);
}

TEST_CASE("LSTM reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::LSTM<float>({.input_size = 3, .hidden_size = 4, .proj_size = 4}); }) ==
        "LSTM: input_size 3, hidden_size 4, num_layers 1, proj_size 4, dropout 0.000000");
  for (const nn::LstmOptions& bad : {nn::LstmOptions{.input_size = 0, .hidden_size = 4},
                                     nn::LstmOptions{.input_size = 3, .hidden_size = 4, .num_layers = 0},
                                     nn::LstmOptions{.input_size = 3, .hidden_size = 4, .dropout = 1}}) {
    CHECK(error_of<OptionError>([&] { nn::LSTM<float>{bad}; }) != "");
  }
  const auto lstm = make<float>({.input_size = 3, .hidden_size = 4});
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>({9, 3}));
  CHECK(error_of<ShapeError>([&] {
          lstm(tape.constant(Tensor<float>({9, 2})), ragged);
        }) == "lstm: input is [9, 2], wanted [9 tokens, 3 features]");
  CHECK(error_of<ShapeError>([&] { lstm(tape.constant(Tensor<float>({8, 3})), ragged); }) != "");
  CHECK(error_of<ShapeError>([&] {
          lstm(x, ragged, {tape.constant(Tensor<float>({4, 4})), {}});
        }) == "LSTM: initial state [4, 4], wanted [1, 4, 4]");
}

}  // namespace HEED_TEST_UNIT
