// SPDX-License-Identifier: Apache-2.0
// A sequence to one vector, by learned queries.
#pragma once

#include <cmath>
#include <optional>

#include "heed/core/options.hpp"
#include "heed/nn/mlp.hpp"
#include "heed/ops/multiply.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/scale.hpp"
#include "heed/ops/softmax.hpp"
#include "heed/ops/sum.hpp"

namespace heed::inline HEED_ABI::nn {

enum class PoolingScore { dot_product, mlp };
constexpr auto names(PoolingScore) { return enum_names("dot_product", "mlp"); }

struct AttentionPoolingOptions {
  Index embed_dim = 0;
  Index num_heads = 1;
  PoolingScore score = PoolingScore::dot_product;
  Index hidden_size = 0;  ///< of the scoring MLP; 0: embed_dim

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_heads", num_heads, "score", score, "hidden_size", hidden_size);
  }
};

/// Head h weighs the elements by the softmax of its score and sums its share of the (projected) features:
/// dot product, score = query_h . key_h / sqrt(E / heads), or an MLP (linear, tanh, linear) from the element to a score
/// a head. The heads' sums pass an output projection. An empty sequence pools to the projection of 0.
/// Source: Yang et al. (2016), hierarchical attention networks, with several heads.
template <class Scalar>
class AttentionPooling {
 public:
  using scalar_type = Scalar;

  explicit AttentionPooling(const AttentionPoolingOptions& options)
      : heads_(options.num_heads),
        value({.in_features = options.embed_dim, .out_features = options.embed_dim}),
        output({.in_features = options.embed_dim, .out_features = options.embed_dim}) {
    const Index E = options.embed_dim;
    if (heads_ <= 0 || E % heads_ != 0) {
      fail<OptionError>("AttentionPooling", heads_, " heads do not divide embed_dim ", E);
    }
    if (options.score == PoolingScore::mlp) {
      const Index hidden = options.hidden_size > 0 ? options.hidden_size : E;
      mlp.emplace(MlpOptions{
          .in_features = E, .hidden_features = {hidden}, .out_features = heads_, .activation = Activation::tanh});
    } else {
      key.emplace(LinearOptions{.in_features = E, .out_features = E});
      query = Parameter<Scalar>({E});
    }
  }

  struct Result {
    Var<Scalar> pooled;   ///< [sequences, E]
    Var<Scalar> weights;  ///< [tokens, heads]
  };

  /// x [tokens, E].
  Result operator()(Var<Scalar> x, const Segments& segments) const {
    Tape<Scalar>& tape = x.tape();
    const Index tokens = x.rows(), E = value.weight.shape()[0], d = E / heads_;
    Var<Scalar> scores;
    if (mlp) {
      scores = (*mlp)(x);
    } else {
      const Var<Scalar> product = reshape(multiply((*key)(x), tape.parameter(query)), {tokens, heads_, d});
      scores = scale(sum(product, 2), 1 / std::sqrt(static_cast<double>(d)));
    }
    const Var<Scalar> weights = softmax(scores, segments);  // [tokens, heads]
    const Var<Scalar> values = reshape(value(x), {tokens, heads_, d});
    const Var<Scalar> weighted = reshape(multiply(reshape(weights, {tokens, heads_, 1}), values), {tokens, E});
    return {output(sum(weighted, segments)), weights};
  }

  /// Layers by their own rule, queries normal with standard deviation 1.
  void initialize(Random random) {
    if (mlp) nn::initialize(*mlp, random.fork("mlp"));
    if (key) key->initialize(random.fork("key"));
    init_normal(query, random.fork("query"), 1);
    value.initialize(random.fork("value"));
    output.initialize(random.fork("output"));
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    if (mlp) visitor("mlp", *mlp);
    if (key) {
      visitor("key", *key);
      visitor("query", query);
    }
    visitor("value", value);
    visitor("output", output);
  }

 private:
  Index heads_;

 public:
  std::optional<Mlp<Scalar>> mlp;
  std::optional<Linear<Scalar>> key;
  Parameter<Scalar> query;  ///< [E]: head h's query is its share
  Linear<Scalar> value, output;
};

}  // namespace heed::inline HEED_ABI::nn
