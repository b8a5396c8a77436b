// SPDX-License-Identifier: Apache-2.0
// The recommender of the article: items -> LSTM -> attention -> scores over the whole catalogue.
#pragma once

#include <optional>

#include "heed/core/options.hpp"
#include "heed/nn/additive_attention.hpp"
#include "heed/nn/linear.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/nn/multi_head_attention.hpp"
#include "heed/nn/target_attention.hpp"
#include "heed/ops/concat.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/recsys/next_item.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The attention of the model's last state over the history; `none` is the LSTM alone.
enum class AttentionKind { none, additive, multi_head, target };
constexpr auto names(AttentionKind) { return enum_names("none", "additive", "multi_head", "target"); }

struct AttentionEncoderOptions {
  Index embed_dim = 64;
  Index hidden_size = 64;
  bool decoder = false;  ///< a second LSTM on the outputs of the first, as in the article's listing
  AttentionKind attention = AttentionKind::additive;
  Index num_heads = 4;  ///< of multi_head
  double dropout = 0.4;

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "hidden_size", hidden_size, "decoder", decoder, "attention", attention, "num_heads",
            num_heads, "dropout", dropout);
  }
};

/// A query (the LSTM's state after the last event, or after every event) attends to the states and item vectors of all
/// events up to it; the context and the state are mapped to the user vector.
/// Sources: Bahdanau et al. (2015), Vaswani et al. (2017), Zhou et al. (2018, DIN).
template <class Scalar>
class AttentionEncoder {
 public:
  using scalar_type = Scalar;
  using options_type = AttentionEncoderOptions;

  explicit AttentionEncoder(const AttentionEncoderOptions& options)
      : options_(options),
        lstm({.input_size = options.embed_dim, .hidden_size = options.hidden_size}),
        user({.in_features = summary_size(), .out_features = options.embed_dim}) {
    const Index H = options.hidden_size, K = state_size();
    if (!(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>("AttentionEncoder", "dropout ", options.dropout, " is not in [0, 1)");
    }
    if (options.decoder) decoder.emplace(nn::LstmOptions{.input_size = H, .hidden_size = H});
    if (options.attention == AttentionKind::additive) {
      additive.emplace(nn::AdditiveAttentionOptions{.query_size = H, .key_size = K, .hidden_size = H});
    }
    if (options.attention == AttentionKind::multi_head) {
      multi_head.emplace(nn::MultiHeadAttentionOptions{
          .embed_dim = H, .num_heads = options.num_heads, .dropout = 0, .kdim = K, .vdim = K});
    }
    if (options.attention == AttentionKind::target) target.emplace(nn::TargetAttentionOptions{.embed_dim = H});
  }

  Index width() const { return options_.embed_dim; }
  Index state_size() const { return options_.hidden_size + options_.embed_dim; }
  Index summary_size() const { return (options_.attention == AttentionKind::none ? 1 : 2) * options_.hidden_size; }

  Encoded<Scalar> operator()(Var<Scalar> x, const data::Batch& batch, bool with_attention = false) const {
    x = dropout(x, options_.dropout);
    Var<Scalar> h = lstm(x, batch.segments).output;
    if (decoder) h = (*decoder)(h, batch.segments).output;
    const Var<Scalar> state = gather(h, batch.query_rows);
    const AttentionCall call{.mask = every_position(batch) ? Mask::causal() : Mask(), .weights = with_attention};
    Encoded<Scalar> out{.states = concat<Scalar>({h, x}, 1), .queries = {}, .summary = state};
    if (options_.attention != AttentionKind::none) {
      AttentionResult<Scalar> seen;
      if (additive) {
        seen = (*additive)(state, batch.query_segments, out.states, h, batch.segments, call);
      } else if (multi_head) {
        seen = (*multi_head)(state, batch.query_segments, out.states, out.states, batch.segments, call);
        if (seen.weights) {
          seen.weights = multi_head->mean_of_heads(seen.weights, batch.query_segments, batch.segments);
        }
      } else {
        seen = (*target)(state, batch.query_segments, h, h, batch.segments, call);
      }
      out.attention = seen.weights;
      out.summary = concat<Scalar>({seen.context, state}, 1);
    }
    out.queries = dropout(user(out.summary), options_.dropout);
    return out;
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("lstm", lstm);
    if (decoder) visitor("decoder", *decoder);
    if (additive) visitor("attention", *additive);
    if (multi_head) visitor("attention", *multi_head);
    if (target) visitor("attention", *target);
    visitor("user", user);
  }

 private:
  AttentionEncoderOptions options_;

 public:
  nn::LSTM<Scalar> lstm;
  std::optional<nn::LSTM<Scalar>> decoder;
  std::optional<nn::AdditiveAttention<Scalar>> additive;
  std::optional<nn::MultiHeadAttention<Scalar>> multi_head;
  std::optional<nn::TargetAttention<Scalar>> target;
  nn::Linear<Scalar> user;  ///< [context, state] -> user vector
};

template <class Scalar = float>
using AttentionRecommender = NextItem<AttentionEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
