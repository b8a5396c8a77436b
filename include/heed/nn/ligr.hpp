// SPDX-License-Identifier: Apache-2.0
// A transformer block whose two sublayers are gated by the residual path (LiGR: Borisyuk et al. 2024), with a SwiGLU
// feed-forward network (Shazeer 2020), as in eSASRec.
#pragma once

#include <span>

#include "heed/nn/layer_norm.hpp"
#include "heed/nn/multi_head_attention.hpp"
#include "heed/ops/gated_product.hpp"
#include "heed/ops/gather.hpp"

namespace heed::inline HEED_ABI::nn {

struct LiGRLayerOptions {
  Index embed_dim = 0;
  Index num_heads = 1;
  Index feedforward_dim = 0;  ///< 0: four times embed_dim
  double dropout = 0.1;       ///< of each sublayer's output, the attention weights, and inside the feed-forward network
  double eps = 1e-5;          ///< of the normalisations

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_heads", num_heads, "feedforward_dim", feedforward_dim, "dropout", dropout,
            "eps", eps);
  }
};

/// x + sigmoid(gate1(x)) * dropout(attention(norm1(x))), then x + sigmoid(gate2(x)) * dropout(f(norm2(x))) with
/// f(x) = linear2(dropout(silu(W x) * (V x))). Names: `self_attn`, `gate1`, `gate2`, `linear1` (rows W, then V; no
/// bias), `linear2` (no bias), `norm1`, `norm2`.
template <class Scalar = float>
class LiGRLayer {
 public:
  using scalar_type = Scalar;

  explicit LiGRLayer(const LiGRLayerOptions& options)
      : options_(options),
        self_attn({.embed_dim = options.embed_dim, .num_heads = options.num_heads, .dropout = options.dropout}),
        gate1({.in_features = options.embed_dim, .out_features = options.embed_dim}),
        gate2({.in_features = options.embed_dim, .out_features = options.embed_dim}),
        linear1({.in_features = options.embed_dim, .out_features = 2 * hidden(), .bias = false}),
        linear2({.in_features = hidden(), .out_features = options.embed_dim, .bias = false}),
        norm1({.features = options.embed_dim, .eps = options.eps}),
        norm2({.features = options.embed_dim, .eps = options.eps}) {}

  /// x [tokens, embed_dim] -> the same shape.
  Var<Scalar> operator()(Var<Scalar> x, const Segments& segments, const BlockCall& call = {}) const {
    x = heed::detail::clear_hidden_rows("attention", x, call.mask, segments, segments);
    const Var<Scalar> seen = norm1(x);
    const Var<Scalar> context = self_attn.heads(seen, segments, seen, seen, segments, {.mask = call.mask}).context;
    const Var<Scalar> attended = self_attn.out_proj(context, {.dropout = options_.dropout});
    x = gated_product<Scalar>(gate1(x), attended, {.residual = x});
    const Var<Scalar> both = linear1(norm2(x));
    const Var<Scalar> inner = gated_product<Scalar>(slice(both, 1, 0, hidden()), slice(both, 1, hidden(), 2 * hidden()),
                                                    {.activation = Activation::silu});
    const Var<Scalar> fed = linear2(dropout(inner, options_.dropout), {.dropout = options_.dropout});
    return gated_product<Scalar>(gate2(x), fed, {.residual = x});
  }

  /// As TransformerEncoderLayer::attention_weights.
  Var<Scalar> attention_weights(Var<Scalar> x, const Segments& segments, std::span<const Index> queries,
                                const Segments& query_segments, const BlockCall& call = {}) const {
    const Var<Scalar> seen = norm1(x);
    return self_attn.mean_weights(gather(seen, queries), query_segments, seen, segments, call.mask);
  }

  void visit(auto&& visitor) {
    visitor("self_attn", self_attn);
    visitor("gate1", gate1);
    visitor("linear1", linear1);
    visitor("linear2", linear2);
    visitor("gate2", gate2);
    visitor("norm1", norm1);
    visitor("norm2", norm2);
  }

 private:
  Index hidden() const { return options_.feedforward_dim != 0 ? options_.feedforward_dim : 4 * options_.embed_dim; }

  LiGRLayerOptions options_;

 public:
  MultiHeadAttention<Scalar> self_attn;
  Linear<Scalar> gate1, gate2, linear1, linear2;
  LayerNorm<Scalar> norm1, norm2;
};

}  // namespace heed::inline HEED_ABI::nn
