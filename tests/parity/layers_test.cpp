// SPDX-License-Identifier: Apache-2.0
// Linear, Embedding, LayerNorm, activations and softmax against PyTorch.
#include "heed/nn/embedding.hpp"
#include "heed/nn/layer_norm.hpp"
#include "heed/nn/linear.hpp"
#include "heed/ops/log_softmax.hpp"
#include "heed/ops/softmax.hpp"
#include "parity/compare.hpp"

namespace HEED_TEST_UNIT {

TEMPLATE_TEST_CASE("Linear agrees with PyTorch", "", float, double) {
  for (const char* name : {"linear", "linear_no_bias"}) {
    INFO(name);
    parity::Case<TestType> c(name);
    heed::nn::Linear<TestType> linear(
        {.in_features = c.integer("in_features"), .out_features = c.integer("out_features"), .bias = c.flag("bias")});
    c.load(linear);
    c.output("y", linear(c.input("x")));
    c.backward();
  }
}

TEMPLATE_TEST_CASE("Embedding agrees with PyTorch", "", float, double) {
  for (const char* name : {"embedding", "embedding_padding"}) {
    INFO(name);
    parity::Case<TestType> c(name);
    heed::nn::EmbeddingOptions options{.num_embeddings = c.integer("num_embeddings"),
                                       .embedding_dim = c.integer("embedding_dim")};
    if (!c.fixture.option("padding_idx").empty()) options.padding_idx = c.integer("padding_idx");
    heed::nn::Embedding<TestType> embedding(options);
    c.load(embedding);
    const auto ids = c.fixture.integers("in.ids");
    c.output("y", embedding(c.tape, ids));
    c.backward();
  }
}

TEMPLATE_TEST_CASE("LayerNorm agrees with PyTorch", "", float, double) {
  for (const char* name : {"layer_norm", "layer_norm_eps1e-12"}) {
    INFO(name);
    parity::Case<TestType> c(name);
    heed::nn::LayerNorm<TestType> norm(
        {.features = c.integer("features"), .eps = parity::numbers(c.fixture.option("eps")).at(0)});
    c.load(norm);
    c.output("y", norm(c.input("x")));
    c.backward();
  }
}

TEMPLATE_TEST_CASE("activations and softmax agree with PyTorch", "", float, double) {
  using Var = heed::Var<TestType>;
  const std::pair<const char*, Var (*)(Var)> functions[] = {
      {"relu", [](Var x) { return heed::relu(x); }},       {"sigmoid", [](Var x) { return heed::sigmoid(x); }},
      {"tanh", [](Var x) { return heed::tanh(x); }},       {"silu", [](Var x) { return heed::silu(x); }},
      {"gelu_erf", [](Var x) { return heed::gelu(x); }},   {"gelu_tanh", [](Var x) { return heed::gelu_tanh(x); }},
      {"softmax", [](Var x) { return heed::softmax(x); }}, {"log_softmax", [](Var x) { return heed::log_softmax(x); }},
  };
  for (const auto& [name, function] : functions) {
    INFO(name);
    parity::Case<TestType> c(std::string("activation_") + name);
    c.output("y", function(c.input("x")));
    c.backward();
  }
}

}  // namespace HEED_TEST_UNIT
