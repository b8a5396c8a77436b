// SPDX-License-Identifier: Apache-2.0
// A transformer block: attention, then a feed-forward network, each with a residual connection.
#pragma once

#include <span>

#include "heed/core/options.hpp"
#include "heed/nn/layer_norm.hpp"
#include "heed/nn/multi_head_attention.hpp"
#include "heed/ops/gather.hpp"

namespace heed::inline HEED_ABI::nn {

/// The placement of a block's normalisations.
enum class NormPlacement {
  pre,   ///< x + f(norm(x)): the input of each sublayer
  post,  ///< norm(x + f(x)): after each residual connection (Vaswani et al. 2017; PyTorch's default)
  query  ///< the queries only, which are also the residual path (Kang and McAuley 2018, SASRec's code)
};
constexpr auto names(NormPlacement) { return enum_names("pre", "post", "query"); }

struct TransformerEncoderLayerOptions {
  Index embed_dim = 0;
  Index num_heads = 1;
  Index feedforward_dim = 2048;
  Activation activation = Activation::relu;
  NormPlacement norm = NormPlacement::post;
  double dropout = 0.1;             ///< of each sublayer's output, before it is added to the residual path
  double attention_dropout = 0.1;   ///< of the attention weights
  double activation_dropout = 0.1;  ///< inside the feed-forward network
  double eps = 1e-5;                ///< of the normalisations

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_heads", num_heads, "feedforward_dim", feedforward_dim, "activation",
            activation, "norm", norm, "dropout", dropout, "attention_dropout", attention_dropout, "activation_dropout",
            activation_dropout, "eps", eps);
  }
};

/// As torch.nn.TransformerEncoderLayer over ragged sequences, with its names: `self_attn`, `linear1`, `linear2`,
/// `norm1`, `norm2`. (`norm_first` is NormPlacement::pre; PyTorch has one dropout probability for the three places.)
template <class Scalar = float>
class TransformerEncoderLayer {
 public:
  using scalar_type = Scalar;

  explicit TransformerEncoderLayer(const TransformerEncoderLayerOptions& options)
      : self_attn(
            {.embed_dim = options.embed_dim, .num_heads = options.num_heads, .dropout = options.attention_dropout}),
        linear1({.in_features = options.embed_dim, .out_features = options.feedforward_dim}),
        linear2({.in_features = options.feedforward_dim, .out_features = options.embed_dim}),
        norm1({.features = options.embed_dim, .eps = options.eps}),
        norm2({.features = options.embed_dim, .eps = options.eps}),
        options_(options) {
    for (const double p : {options.dropout, options.activation_dropout}) {
      check_probability("TransformerEncoderLayer", "dropout", p);
    }
  }

  /// x [tokens, embed_dim] -> the same shape.
  Var<Scalar> operator()(Var<Scalar> x, const Segments& segments, const BlockCall& call = {}) const {
    x = heed::detail::clear_hidden_rows("attention", x, call.mask, segments, segments);
    switch (options_.norm) {
      case NormPlacement::pre: {
        const Var<Scalar> seen = norm1(x);
        x = attended(x, seen, seen, segments, call.mask);
        return fed(x, norm2(x));
      }
      case NormPlacement::post:
        x = norm1(attended(x, x, x, segments, call.mask));
        return norm2(fed(x, x));
      case NormPlacement::query:
        break;
    }
    const Var<Scalar> q = norm1(x);
    x = norm2(attended(q, q, x, segments, call.mask));
    return fed(x, x);
  }

  /// Returns the attention weights of rows `queries` of x, sequence b of the queries over sequence b of x: the mean
  /// over the heads, each sequence's [queries, keys], concatenated, without gradients. x is the input of the block.
  Var<Scalar> attention_weights(Var<Scalar> x, const Segments& segments, std::span<const Index> queries,
                                const Segments& query_segments, const BlockCall& call = {}) const {
    const Var<Scalar> normed = options_.norm == NormPlacement::post ? x : norm1(x);
    const Var<Scalar> keys = options_.norm == NormPlacement::pre ? normed : x;
    return self_attn.mean_weights(gather(normed, queries), query_segments, keys, segments, call.mask);
  }

  void visit(auto&& visitor) {
    visitor("self_attn", self_attn);
    visitor("linear1", linear1);
    visitor("linear2", linear2);
    visitor("norm1", norm1);
    visitor("norm2", norm2);
  }

  MultiHeadAttention<Scalar> self_attn;
  Linear<Scalar> linear1, linear2;
  LayerNorm<Scalar> norm1, norm2;

 private:
  /// Returns residual + dropout(attention of q over x).
  Var<Scalar> attended(Var<Scalar> residual, Var<Scalar> q, Var<Scalar> x, const Segments& segments,
                       const Mask& mask) const {
    const Var<Scalar> context = self_attn.heads(q, segments, x, x, segments, {.mask = mask}).context;
    return self_attn.out_proj(context, {.dropout = options_.dropout, .residual = residual});
  }
  /// Returns residual + dropout(feed-forward network of x).
  Var<Scalar> fed(Var<Scalar> residual, Var<Scalar> x) const {
    x = linear1(x, {.activation = options_.activation, .dropout = options_.activation_dropout});
    return linear2(x, {.dropout = options_.dropout, .residual = residual});
  }

  TransformerEncoderLayerOptions options_;
};

}  // namespace heed::inline HEED_ABI::nn
