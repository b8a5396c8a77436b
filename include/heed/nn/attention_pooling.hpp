// SPDX-License-Identifier: Apache-2.0
// Pools each sequence to one vector, with learned queries.
#pragma once

#include <numeric>
#include <optional>

#include "heed/core/options.hpp"
#include "heed/nn/mlp.hpp"
#include "heed/ops/add.hpp"
#include "heed/ops/attention.hpp"
#include "heed/ops/detail/hidden_rows.hpp"

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

/// Head h weights the elements by the softmax of its scores and sums its columns of the projected features. The scores
/// are dot products, query_h . key_h / sqrt(E / heads), or those of an MLP (linear, tanh, linear) from the element to
/// one score per head. An output projection follows. A sequence without a visible element pools to the projection
/// of 0.
/// Source: Yang et al. (2016), hierarchical attention networks, with several heads.
template <class Scalar = float>
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

  /// x [tokens, E] -> context [sequences, E]. Each sequence has one query, so masks are [1, tokens]. The weights are
  /// each sequence's [heads, tokens], concatenated.
  AttentionResult<Scalar> operator()(Var<Scalar> x, const Segments& segments, const AttentionCall& call = {}) const {
    Tape<Scalar>& tape = x.tape();
    const Index count = segments.count();
    ArenaScope scope(tape.scratch());
    auto* const indices = tape.scratch().template array<Index>(count + 1);
    std::iota(indices, indices + count + 1, Index{0});
    const SegmentsView one_each{count, 1, indices, indices};
    x = heed::detail::clear_hidden_rows("attention", x, call.mask, one_each, segments);
    // The MLP's scores are one key feature per head, and the query is 1.
    const TensorView<Scalar> queries = tape.zeros({count, mlp ? heads_ : query.size()});
    if (mlp) std::fill_n(queries.data(), queries.size(), Scalar(1));
    Var<Scalar> q = tape.constant_in_place(queries);
    if (!mlp) q = add(q, tape.parameter(query));
    const Var<Scalar> keys = mlp ? (*mlp)(x) : (*key)(x), values = value(x);
    auto result =
        attention(q, one_each, keys, values, segments,
                  {.mask = call.mask, .num_heads = heads_, .scale = mlp ? 1.0 : 0.0, .weights = call.weights});
    result.context = output(result.context);
    return result;
  }

  /// Initialises layers by their own rules, the queries normally with standard deviation 1.
  void initialize(Random random) {
    if (mlp) nn::initialize(*mlp, random.fork("mlp"));
    if (key) key->initialize(random.fork("key"));
    init_normal(query, random.fork("query"), 1);
    value.initialize(random.fork("value"));
    output.initialize(random.fork("output"));
  }

  void visit(auto&& visitor) {
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
  Parameter<Scalar> query;  ///< [E]: the queries of all heads, concatenated
  Linear<Scalar> value, output;
};

}  // namespace heed::inline HEED_ABI::nn
