// SPDX-License-Identifier: Apache-2.0
// The common properties of LSTM and GRU.
#include "heed/nn/gru.hpp"
#include "heed/nn/lstm.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments ragged({3, 0, 5, 1});

template <class Layer>
Layer make(Index hidden_size, Index num_layers, bool bidirectional = false, double dropout = 0) {
  return initialized(Layer({.input_size = 3,
                            .hidden_size = hidden_size,
                            .num_layers = num_layers,
                            .bidirectional = bidirectional,
                            .dropout = dropout}));
}

TEMPLATE_TEST_CASE("recurrent layers: every parameter starts uniform in +-1/sqrt(hidden)", "", nn::GRU<float>,
                   nn::LSTM<float>) {
  auto layer = make<TestType>(16, 2);
  for (const auto& named : nn::parameters(layer)) {
    INFO(named.name);
    CHECK(test::fills(*named.parameter, 0.25));
  }
}

TEMPLATE_TEST_CASE("recurrent layers: a sequence does not depend on its batch", "", nn::GRU<float>, nn::GRU<double>,
                   nn::LSTM<float>, nn::LSTM<double>) {
  using Scalar = typename TestType::scalar_type;
  const auto layer = make<TestType>(21, 2, true);
  const std::vector<Index> lengths = {3, 70, 0, 1, 5, 2, 9, 33};
  const Segments segments(lengths);
  Tape<Scalar> tape;
  const Tensor<Scalar> x = normal<Scalar>({segments.tokens(), 3});
  const auto together = layer(tape.constant(x), segments);
  for (Index b = 0; b < segments.count(); ++b) {
    INFO(b);
    const Tensor<Scalar> own(x.view().rows(segments.begin(b), segments.end(b)));
    const auto alone = layer(tape.constant(own), Segments({segments.length(b)}));
    CHECK(same(alone.output.value(), together.output.value().rows(segments.begin(b), segments.end(b))));
    const auto same_state = [&](Var<Scalar> one, Var<Scalar> all) {
      for (Index cell = 0; cell < 4; ++cell) {
        const Index row = cell * segments.count() + b;
        CHECK(same(one.value().rows(cell, cell + 1), all.value().rows(row, row + 1)));
      }
    };
    same_state(alone.h_n, together.h_n);
    if constexpr (requires { alone.c_n; }) same_state(alone.c_n, together.c_n);
  }
}

TEMPLATE_TEST_CASE("recurrent layers: dropout acts between layers, while training", "", nn::GRU<float>,
                   nn::LSTM<float>) {
  const Tensor<float> x = normal<float>({9, 3});
  const auto differs = [&](Index layers) {
    const auto layer = make<TestType>(8, layers, false, 0.5);
    Tape<float> still, training({.training = true, .random = Random(1)});
    const auto a = layer(still.constant(x), ragged), b = layer(training.constant(x), ragged);
    return !same(a.output.value(), b.output.value());
  };
  CHECK(differs(2));
  CHECK(!differs(1));
}

TEMPLATE_TEST_CASE("recurrent layers: const modules train, moves copy nothing", "", nn::GRU<float>, nn::LSTM<float>) {
  test::check_const_and_move(make<TestType>(4, 2), [](const auto& layer, auto& tape) {
    return layer(tape.constant(normal<float>({9, 3})), ragged).output;
  });
}

}  // namespace HEED_TEST_UNIT
