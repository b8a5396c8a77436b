// SPDX-License-Identifier: Apache-2.0
// Neural attentive session-based recommendation (Li et al. 2017).
#pragma once

#include "heed/nn/additive_attention.hpp"
#include "heed/nn/gru.hpp"
#include "heed/nn/linear.hpp"
#include "heed/ops/concat.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/recsys/next_item.hpp"

namespace heed::inline HEED_ABI::recsys {

struct NarmEncoderOptions {
  Index embed_dim = 64;
  Index hidden_size = 64;
  Index num_layers = 1;
  double dropout = 0.25;         ///< on item vectors and between layers
  double context_dropout = 0.5;  ///< on the input of the user vector's layer

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "hidden_size", hidden_size, "num_layers", num_layers, "dropout", dropout,
            "context_dropout", context_dropout);
  }
};

/// items -> GRU; the state h_t (the global encoder) and its attention over the states so far, sum_j alpha_tj h_j (the
/// local encoder), are projected to the space of item vectors by B: the bilinear decoder.
///
/// The paper scores a pair by v . sigmoid(A_1 h_t + A_2 h_j), this implementation by w . tanh(W_1 h_t + W_2 h_j + b).
/// As sigmoid(x) = (1 + tanh(x / 2)) / 2, the two are equal for W = A / 2, b = 0 and w = v / 2, up to a constant, and
/// the softmax over j is invariant to constants.
template <class Scalar>
class NarmEncoder {
 public:
  using scalar_type = Scalar;
  using options_type = NarmEncoderOptions;

  explicit NarmEncoder(const NarmEncoderOptions& options)
      : gru({.input_size = options.embed_dim,
             .hidden_size = options.hidden_size,
             .num_layers = options.num_layers,
             .dropout = options.dropout}),
        attention(
            {.query_size = options.hidden_size, .key_size = options.hidden_size, .hidden_size = options.hidden_size}),
        user({.in_features = 2 * options.hidden_size, .out_features = options.embed_dim, .bias = false}),
        options_(options) {
    if (!(options.context_dropout >= 0 && options.context_dropout < 1)) {
      fail<OptionError>("NARM", "context_dropout ", options.context_dropout, " is not in [0, 1)");
    }
  }

  Index width() const { return options_.embed_dim; }
  Index state_size() const { return options_.hidden_size; }
  Index summary_size() const { return 2 * options_.hidden_size; }

  Encoded<Scalar> operator()(Var<Scalar> x, const data::Batch& batch, bool with_attention = false) const {
    const Var<Scalar> h = gru(dropout(x, options_.dropout), batch.segments).output;
    const Var<Scalar> global = at_queries(h, batch);
    const auto local = attention(global, batch.query_segments, h, h, batch.segments,
                                 {.mask = every_position(batch) ? Mask::causal() : Mask(), .weights = with_attention});
    const Var<Scalar> both = dropout(concat<Scalar>({global, local.context}, 1), options_.context_dropout);
    return {.states = h, .queries = user(both), .summary = both, .attention = local.weights};
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("gru", gru);
    visitor("attention", attention);
    visitor("user", user);
  }

  nn::GRU<Scalar> gru;
  nn::AdditiveAttention<Scalar> attention;
  nn::Linear<Scalar> user;  ///< B: [global, local] -> user vector

 private:
  NarmEncoderOptions options_;
};

template <class Scalar = float>
using NARM = NextItem<NarmEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
