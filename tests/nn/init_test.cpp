// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/init.hpp"

#include "heed/nn/embedding.hpp"
#include "heed/nn/layer_norm.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/nn/mlp.hpp"
#include "heed/optim/sgd.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using heed::Parameter;
using heed::Random;
using heed::test::fills;
using heed::test::same;
namespace nn = heed::nn;

struct Small {
  using scalar_type = float;
  nn::Embedding<float> items{{.num_embeddings = 6, .embedding_dim = 4}};
  nn::LSTM<float> encoder{{.input_size = 4, .hidden_size = 5}};
  Parameter<float> bias{{9, 16}};
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("items", items);
    visitor("encoder", encoder);
    visitor("bias", bias);
  }
};

struct Large : Small {
  nn::Mlp<float> before{{.in_features = 4, .hidden_features = {3}, .out_features = 2}};
  nn::LayerNorm<float> norm{{.features = 3}};
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("before", before);
    visitor("norm", norm);
    Small::visit(visitor);
  }
};

TEST_CASE("constructors draw no random numbers") {
  Small model;
  for (const auto& named : nn::parameters(model)) CHECK(heed::test::largest(*named.parameter) == 0);
}

TEST_CASE("random numbers are keyed by path, so adding layers changes no other layer's weights") {
  Small small;
  Large large;
  nn::initialize(small, Random(42));
  nn::initialize(large, Random(42));
  for (const auto& named : nn::parameters(small)) {
    INFO(named.name);
    bool found = false;
    for (const auto& other : nn::parameters(large)) {
      if (other.name != named.name) continue;
      found = true;
      CHECK(same(other.parameter->value().view(), named.parameter->value().view()));
    }
    CHECK(found);
  }
  Small again, other;
  nn::initialize(again, Random(42));
  nn::initialize(other, Random(43));
  CHECK(same(again.items.weight.value().view(), small.items.weight.value().view()));
  CHECK(!same(other.items.weight.value().view(), small.items.weight.value().view()));
}

TEST_CASE("layers of the same shape get different random numbers") {
  nn::Linear<float> a({.in_features = 4, .out_features = 4}), b({.in_features = 4, .out_features = 4});
  nn::initialize(nn::modules(a, b), Random(1));
  CHECK(!same(a.weight.value().view(), b.weight.value().view()));
  nn::Mlp<float> mlp({.in_features = 4, .hidden_features = {4, 4}, .out_features = 4});
  nn::initialize(mlp, Random(1));
  const auto list = nn::parameters(mlp);
  CHECK(!same(list[0].parameter->value().view(), list[2].parameter->value().view()));
}

TEST_CASE("a parameter outside any layer is uniform in +-1/sqrt(columns)") {
  Small model;
  nn::initialize(model, Random(1));
  CHECK(fills(model.bias, 0.25));
}

TEST_CASE("initialisation is uniform, Xavier uniform, normal or constant") {
  Parameter<double> p({30, 20});
  nn::init_uniform(p, Random(1), 0.3);
  CHECK(fills(p, 0.3));
  nn::init_xavier_uniform(p, Random(1));
  CHECK(fills(p, std::sqrt(6.0 / 50)));
  nn::init_normal(p, Random(1), 2.0);
  const double mean = p.value().array().mean();
  CHECK(std::abs(mean) < 0.3);
  CHECK(std::sqrt((p.value().array() - mean).square().mean()) == Approx(2.0).epsilon(0.1));
  nn::init_constant(p, 0.5);
  CHECK((p.value().array() == 0.5).all());
}

TEST_CASE("the zero row of a parameter is zero after every kind of initialisation") {
  Parameter<float> p({4, 3}, 2);
  const auto zero = [&] {
    for (Index i = 0; i < 4; ++i) {
      for (Index j = 0; j < 3; ++j) {
        if ((p.value()(i, j) == 0) != (i == 2)) return false;
      }
    }
    return true;
  };
  nn::init_uniform(p, Random(1), 1);
  CHECK(zero());
  nn::init_normal(p, Random(1), 1);
  CHECK(zero());
  nn::init_xavier_uniform(p, Random(1));
  CHECK(zero());
  nn::init_constant(p, 1);
  CHECK(zero());
}

TEST_CASE("a module that was not initialised is an error, even after an optimiser was constructed for it") {
  nn::Linear<float> layer({.in_features = 3, .out_features = 2, .bias = false});
  const auto run = [&] {
    heed::Tape<float> tape;
    layer(tape.constant(heed::Tensor<float>({1, 3})));
  };
  const std::string expected =
      "tape: a parameter of shape [2, 3] was never initialised: call nn::initialize(module, heed::Random(seed)), or "
      "load it";
  CHECK(heed::test::error_of<heed::StateError>(run) == expected);
  const heed::optim::Sgd<float> sgd(nn::parameters(layer));
  CHECK(heed::test::error_of<heed::StateError>(run) == expected);
  nn::initialize(layer, Random(1));
  CHECK_NOTHROW(run());
}

}  // namespace HEED_TEST_UNIT
