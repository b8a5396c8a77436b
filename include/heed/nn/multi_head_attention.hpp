// SPDX-License-Identifier: Apache-2.0
// Multi-head attention with its projections.
#pragma once

#include "heed/nn/linear.hpp"
#include "heed/ops/attention.hpp"
#include "heed/ops/detail/hidden_rows.hpp"
#include "heed/ops/slice.hpp"

namespace heed::inline HEED_ABI::nn {

/// The arguments of a call of a block with attention; see AttentionCall.
struct BlockCall {
  Mask mask{};
};

struct MultiHeadAttentionOptions {
  Index embed_dim = 0;
  Index num_heads = 1;
  double dropout = 0;  ///< of the attention weights, while the tape is training
  bool bias = true;
  Index kdim = 0;  ///< width of the keys; 0: embed_dim
  Index vdim = 0;  ///< width of the values; 0: embed_dim

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_heads", num_heads, "dropout", dropout, "bias", bias, "kdim", kdim, "vdim",
            vdim);
  }
};

/// As torch.nn.MultiheadAttention over ragged sequences: `in_proj_weight` [3E, E] (rows q, k, v) or, with kdim or vdim,
/// `q_proj_weight`, `k_proj_weight`, `v_proj_weight`; `in_proj_bias` [3E]; `out_proj`. Weights are returned per head.
template <class Scalar = float>
class MultiHeadAttention {
 public:
  using scalar_type = Scalar;

  explicit MultiHeadAttention(const MultiHeadAttentionOptions& options)
      : options_(checked(options)),
        packed_(kdim() == options.embed_dim && vdim() == options.embed_dim),
        in_proj_weight({packed_ ? 3 * options.embed_dim : 0, packed_ ? options.embed_dim : 0}),
        q_proj_weight({packed_ ? 0 : options.embed_dim, packed_ ? 0 : options.embed_dim}),
        k_proj_weight({packed_ ? 0 : options.embed_dim, packed_ ? 0 : kdim()}),
        v_proj_weight({packed_ ? 0 : options.embed_dim, packed_ ? 0 : vdim()}),
        in_proj_bias({options.bias ? 3 * options.embed_dim : 0}),
        out_proj({.in_features = options.embed_dim, .out_features = options.embed_dim, .bias = options.bias}) {}

  /// Without the output projection: q [query tokens, E], k [key tokens, kdim], v [key tokens, vdim] -> the contexts of
  /// the heads, concatenated by columns [query tokens, E]. The context of a query without a visible key is 0. Hidden
  /// rows must be finite if the weights get gradients (see ops/detail/hidden_rows.hpp).
  AttentionResult<Scalar> heads(Var<Scalar> q, const Segments& q_segments, Var<Scalar> k, Var<Scalar> v,
                                const Segments& k_segments, const AttentionCall& call = {}) const {
    Tape<Scalar>& tape = q.tape();
    const Index E = options_.embed_dim;
    const Var<Scalar> bias = in_proj_bias.size() > 0 ? tape.parameter(in_proj_bias) : Var<Scalar>();
    const auto bias_part = [&](Index i) { return bias ? slice(bias, 0, i * E, (i + 1) * E) : bias; };
    if (packed_) {
      const Var<Scalar> weight = tape.parameter(in_proj_weight);
      if (q == k && k == v) {
        const Var<Scalar> all = linear(q, weight, bias);  // [tokens, 3E], read in place by column blocks
        q = slice(all, 1, 0, E);
        k = slice(all, 1, E, 2 * E);
        v = slice(all, 1, 2 * E, 3 * E);
      } else {
        q = linear(q, slice(weight, 0, 0, E), bias_part(0));
        k = linear(k, slice(weight, 0, E, 2 * E), bias_part(1));
        v = linear(v, slice(weight, 0, 2 * E, 3 * E), bias_part(2));
      }
    } else {
      q = linear(q, tape.parameter(q_proj_weight), bias_part(0));
      k = linear(k, tape.parameter(k_proj_weight), bias_part(1));
      v = linear(v, tape.parameter(v_proj_weight), bias_part(2));
    }
    return attention(
        q, q_segments, k, v, k_segments,
        {.mask = call.mask, .num_heads = options_.num_heads, .dropout = options_.dropout, .weights = call.weights});
  }
  /// The same with the output projection, whose bias is the result for a query without a visible key.
  AttentionResult<Scalar> operator()(Var<Scalar> q, const Segments& q_segments, Var<Scalar> k, Var<Scalar> v,
                                     const Segments& k_segments, const AttentionCall& call = {}) const {
    const auto cleared = [&](Var<Scalar> x) {
      return heed::detail::clear_hidden_rows("attention", x, call.mask, q_segments, k_segments);
    };
    const Var<Scalar> keys = cleared(k), values = v == k ? keys : cleared(v);
    auto result = heads(q == k ? keys : q, q_segments, keys, values, k_segments, call);
    result.context = out_proj(result.context);
    return result;
  }
  /// Self-attention.
  AttentionResult<Scalar> operator()(Var<Scalar> x, const Segments& segments, const AttentionCall& call = {}) const {
    return (*this)(x, segments, x, x, segments, call);
  }

  /// Returns the mean of attention weights over the heads: each sequence's [queries, keys], concatenated (like
  /// PyTorch's average_attn_weights). It has no gradient.
  Var<Scalar> mean_of_heads(Var<Scalar> weights, SegmentsView q_segments, SegmentsView k_segments) const {
    const Index heads = options_.num_heads;
    const TensorView<const Scalar> all = weights.value();
    const TensorView<Scalar> out = weights.tape().allocate({all.size() / heads});
    Index done = 0;
    for (Index b = 0; b < q_segments.count; ++b) {
      const Index pairs = q_segments.length(b) * k_segments.length(b);
      for (Index i = 0; i < pairs; ++i) {
        Scalar sum = 0;
        for (Index h = 0; h < heads; ++h) sum += all[done * heads + h * pairs + i];
        out[done + i] = sum / static_cast<Scalar>(heads);
      }
      done += pairs;
    }
    return weights.tape().constant_in_place(out);
  }

  /// Returns the mean weights of q [query tokens, E] over k [key tokens, kdim]. Requires vdim = kdim.
  Var<Scalar> mean_weights(Var<Scalar> q, const Segments& q_segments, Var<Scalar> k, const Segments& k_segments,
                           const Mask& mask) const {
    const auto result = heads(q, q_segments, k, k, k_segments, {.mask = mask, .weights = true});
    return mean_of_heads(result.weights, q_segments, k_segments);
  }

  /// Input projections: Xavier uniform (in_proj_weight as one [3E, E] matrix); biases: 0; out_proj.weight: see Linear.
  void initialize(Random random) {
    if (packed_) {
      init_xavier_uniform(in_proj_weight, random.fork("in_proj_weight"));
    } else {
      init_xavier_uniform(q_proj_weight, random.fork("q_proj_weight"));
      init_xavier_uniform(k_proj_weight, random.fork("k_proj_weight"));
      init_xavier_uniform(v_proj_weight, random.fork("v_proj_weight"));
    }
    init_constant(in_proj_bias, 0);
    out_proj.initialize(random.fork("out_proj"));
    init_constant(out_proj.bias, 0);
  }

  void visit(auto&& visitor) {
    if (packed_) {
      visitor("in_proj_weight", in_proj_weight);
    } else {
      visitor("q_proj_weight", q_proj_weight);
      visitor("k_proj_weight", k_proj_weight);
      visitor("v_proj_weight", v_proj_weight);
    }
    if (options_.bias) visitor("in_proj_bias", in_proj_bias);
    visitor("out_proj", out_proj);
  }

 private:
  static const MultiHeadAttentionOptions& checked(const MultiHeadAttentionOptions& options) {
    if (options.embed_dim <= 0 || options.num_heads <= 0 || options.embed_dim % options.num_heads != 0) {
      fail<OptionError>("MultiHeadAttention", options.num_heads, " heads do not divide embed_dim ", options.embed_dim);
    }
    check_probability("MultiHeadAttention", "dropout", options.dropout);
    return options;
  }
  Index kdim() const { return options_.kdim > 0 ? options_.kdim : options_.embed_dim; }
  Index vdim() const { return options_.vdim > 0 ? options_.vdim : options_.embed_dim; }

  MultiHeadAttentionOptions options_;
  bool packed_;

 public:
  Parameter<Scalar> in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias;
  Linear<Scalar> out_proj;
};

}  // namespace heed::inline HEED_ABI::nn
