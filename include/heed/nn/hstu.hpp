// SPDX-License-Identifier: Apache-2.0
// A hierarchical sequential transduction unit (Zhai et al. 2024): attention and feed-forward network in one block.
#pragma once

#include <cmath>
#include <numeric>

#include "heed/nn/layer_norm.hpp"
#include "heed/nn/linear.hpp"
#include "heed/ops/gated_product.hpp"
#include "heed/ops/pointwise_attention.hpp"
#include "heed/ops/slice.hpp"

namespace heed::inline HEED_ABI::nn {

struct HSTULayerOptions {
  Index embed_dim = 0;
  Index num_heads = 1;
  Index attention_dim = 0;  ///< width of each head's queries and keys; 0: embed_dim / num_heads
  Index linear_dim = 0;     ///< width of each head's values and gates; 0: embed_dim / num_heads
  Index max_length = 0;     ///< number of distances between events that have a bias; 0: no position bias
  Index time_buckets = 0;   ///< number of buckets of time differences (see pointwise_attention); 0: no time bias
  double dropout = 0.2;     ///< dropout probability of the gated values
  double eps = 1e-6;        ///< of the normalisations

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_heads", num_heads, "attention_dim", attention_dim, "linear_dim", linear_dim,
            "max_length", max_length, "time_buckets", time_buckets, "dropout", dropout, "eps", eps);
  }
};

/// Returns x + output(dropout(norm_attention(attention(q, k, v)) * u)) with u, v, q, k = silu(W norm_input(x)) and
/// `pointwise_attention`. Names: `norm_input`, `uvqk`, `position_bias`, `time_bias`, `norm_attention`, `output`.
/// (The paper's code normalises without weight and bias; here these are learned, with initial values 1 and 0.)
template <class Scalar = float>
class HSTULayer {
 public:
  using scalar_type = Scalar;

  explicit HSTULayer(const HSTULayerOptions& options)
      : options_(checked(options)),
        norm_input({.features = options.embed_dim, .eps = options.eps}),
        norm_attention({.features = values(), .eps = options.eps}),
        uvqk({.in_features = options.embed_dim, .out_features = 2 * (values() + keys()), .bias = false}),
        output({.in_features = values(), .out_features = options.embed_dim}),
        position_bias({options.max_length}),
        time_bias({options.time_buckets}) {}

  /// x [tokens, embed_dim] -> the same shape; an event attends to itself and earlier events. `times` [tokens], in
  /// seconds, is used with `time_buckets` only. Throws ShapeError for sequences longer than `max_length`, or if times
  /// are missing.
  Var<Scalar> operator()(Var<Scalar> x, const Segments& segments, std::span<const double> times = {}) const {
    const Var<Scalar> all = projected(x);  // its columns are read in place
    const Var<Scalar> context = attention(all, segments, times, false).context;
    const Var<Scalar> gated = gated_product<Scalar>(slice(all, 1, 0, values()), norm_attention(context),
                                                    {.activation = Activation::identity});
    return output(dropout(gated, options_.dropout), {.residual = x});
  }

  /// Returns normalised attention weights of rows `queries` of x (-1: for an empty sequence); sequence b of the queries
  /// belongs to sequence b of x. They are the mean of |w| over the heads, divided by its sum over the events: each
  /// sequence's [queries, events], concatenated, without gradients. (The weights w may be negative and need not sum to
  /// 1.) x and `times` are the inputs of the block.
  Var<Scalar> attention_weights(Var<Scalar> x, const Segments& segments, std::span<const double> times,
                                std::span<const Index> queries, const Segments& query_segments) const {
    Tape<Scalar>& tape = x.tape();
    const Scalar* weights = attention(projected(x), segments, times, true).weights.value().data();
    Index pairs = 0;
    for (Index b = 0; b < segments.count(); ++b) pairs += query_segments.length(b) * segments.length(b);
    const TensorView<Scalar> out = tape.zeros({pairs});
    Scalar* row = out.data();
    for (Index b = 0; b < segments.count(); ++b) {
      const Index events = segments.length(b);
      for (Index r = query_segments.begin(b); r < query_segments.end(b) && events > 0; ++r, row += events) {
        const Index i = queries[static_cast<std::size_t>(r)] - segments.begin(b);
        for (Index h = 0; h < options_.num_heads; ++h) {
          for (Index j = 0; j < events; ++j) row[j] += std::abs(weights[(h * events + i) * events + j]);
        }
        const Scalar sum = std::accumulate(row, row + events, Scalar(0));
        for (Index j = 0; sum > 0 && j < events; ++j) row[j] /= sum;
      }
      weights += options_.num_heads * events * events;
    }
    return tape.constant_in_place(out);
  }

  /// `uvqk` and the biases: normal with standard deviation 0.02; `output`: Xavier uniform, its bias as in Linear.
  void initialize(Random random) {
    norm_input.initialize(random);
    norm_attention.initialize(random);
    init_normal(uvqk.weight, random.fork("uvqk"), 0.02);
    init_normal(position_bias, random.fork("position_bias"), 0.02);
    init_normal(time_bias, random.fork("time_bias"), 0.02);
    output.initialize(random.fork("output"));
    init_xavier_uniform(output.weight, random.fork("output.weight"));
  }

  void visit(auto&& visitor) {
    visitor("norm_input", norm_input);
    visitor("uvqk", uvqk);
    if (position_bias.size() > 0) visitor("position_bias", position_bias);
    if (time_bias.size() > 0) visitor("time_bias", time_bias);
    visitor("norm_attention", norm_attention);
    visitor("output", output);
  }

 private:
  static const HSTULayerOptions& checked(const HSTULayerOptions& options) {
    const bool divides = options.num_heads > 0 && (options.embed_dim % options.num_heads == 0 ||
                                                   (options.attention_dim > 0 && options.linear_dim > 0));
    if (options.embed_dim <= 0 || !divides) {
      fail<OptionError>("HSTULayer", options.num_heads, " heads do not divide embed_dim ", options.embed_dim);
    }
    for (const Index size : {options.attention_dim, options.linear_dim, options.max_length, options.time_buckets}) {
      if (size < 0) fail<OptionError>("HSTULayer", "a size of ", size);
    }
    check_probability("HSTULayer", "dropout", options.dropout);
    return options;
  }
  /// Returns u, v, q and k, concatenated by columns.
  Var<Scalar> projected(Var<Scalar> x) const { return uvqk(norm_input(x), Activation::silu); }
  AttentionResult<Scalar> attention(Var<Scalar> all, const Segments& segments, std::span<const double> times,
                                    bool weights) const {
    Tape<Scalar>& tape = all.tape();
    PointwiseAttentionOptions<Scalar> options{.num_heads = options_.num_heads, .weights = weights};
    if (position_bias.size() > 0) options.position_bias = tape.parameter(position_bias);
    if (time_bias.size() > 0) {
      options.time_bias = tape.parameter(time_bias);
      options.times = times;
    }
    const Index v = values(), q = 2 * values(), k = q + keys();
    return pointwise_attention(slice(all, 1, q, k), slice(all, 1, k, k + keys()), slice(all, 1, v, q), segments,
                               options);
  }
  Index all_heads(Index width) const { return width > 0 ? options_.num_heads * width : options_.embed_dim; }
  Index keys() const { return all_heads(options_.attention_dim); }
  Index values() const { return all_heads(options_.linear_dim); }

  HSTULayerOptions options_;

 public:
  LayerNorm<Scalar> norm_input, norm_attention;
  Linear<Scalar> uvqk, output;
  Parameter<Scalar> position_bias, time_bias;  ///< per distance; per bucket; `[0]` if there is no bias
};

}  // namespace heed::inline HEED_ABI::nn
