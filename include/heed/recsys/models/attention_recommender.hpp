// SPDX-License-Identifier: Apache-2.0
// The article's recommender: items -> LSTM -> attention -> scores over the whole catalogue, with a repeat-aware head.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "heed/data/batch.hpp"
#include "heed/nn/additive_attention.hpp"
#include "heed/nn/embedding.hpp"
#include "heed/nn/linear.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/nn/multi_head_attention.hpp"
#include "heed/nn/target_attention.hpp"
#include "heed/ops/concat.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/ops/exp.hpp"
#include "heed/ops/expand.hpp"
#include "heed/ops/gather.hpp"
#include "heed/ops/log.hpp"
#include "heed/ops/log_softmax.hpp"
#include "heed/ops/mean.hpp"
#include "heed/ops/operators.hpp"
#include "heed/ops/pointer_mass.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/slice.hpp"
#include "heed/ops/softmax.hpp"

namespace heed::inline HEED_ABI::recsys {

/// How the model's last state looks back at the history; `none` is the LSTM alone.
enum class AttentionKind { none, additive, multi_head, target };

struct AttentionRecommenderOptions {
  Index num_items = 0;
  Index embed_dim = 64;
  Index hidden_size = 64;
  bool decoder = false;  ///< a second LSTM over the first one's outputs, as in the article's listing
  AttentionKind attention = AttentionKind::additive;
  Index num_heads = 4;  ///< of multi_head
  bool pointer = true;  ///< the repeat-aware head
  Index max_age = 32;   ///< embedded ages of baskets, the last one meaning "or older"; 0: the model sees
                        ///< no ages, as learning from every position needs
  double dropout = 0.4;
};

/// Predicts the next item, or the items of the next basket, from a history.
///
/// A query (the LSTM's state after the last event, or after every event) attends to the states and embeddings of the
/// events up to it; context and state give a user vector, whose products with the item embeddings are the logits (tied
/// output). With the repeat-aware head, p(item) = g * (attention on the item's occurrences in the history)
/// + (1 - g) * softmax(logits), where the attention is the head's own and g = sigmoid(linear(state, context)).
/// Sources: Bahdanau et al. (2015), Li et al. (2017, NARM), See et al. (2017, pointer-generator), Ren et al. (2019,
/// RepeatNet).
template <class Scalar>
class AttentionRecommender {
 public:
  using scalar_type = Scalar;

  explicit AttentionRecommender(const AttentionRecommenderOptions& options)
      : options_(options),
        items({.num_embeddings = options.num_items, .embedding_dim = options.embed_dim, .standard_deviation = 0.1}),
        encoder({.input_size = options.embed_dim, .hidden_size = options.hidden_size}),
        user({.in_features = (attends() ? 2 : 1) * options.hidden_size, .out_features = options.embed_dim}),
        item_bias({options.num_items}) {
    const Index H = options.hidden_size, K = H + options.embed_dim;
    if (options.max_age < 0 || !(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>("AttentionRecommender", message("max_age ", options.max_age, ", dropout ", options.dropout));
    }
    if (options.max_age > 0) {
      ages.emplace(nn::EmbeddingOptions{
          .num_embeddings = options.max_age, .embedding_dim = options.embed_dim, .standard_deviation = 0.1});
    }
    if (options.decoder) decoder.emplace(nn::LstmOptions{.input_size = H, .hidden_size = H});
    if (options.attention == AttentionKind::additive) additive.emplace(attention_options());
    if (options.attention == AttentionKind::multi_head) {
      multi_head.emplace(nn::MultiHeadAttentionOptions{
          .embed_dim = H, .num_heads = options.num_heads, .dropout = 0, .kdim = K, .vdim = K});
    }
    if (options.attention == AttentionKind::target) target.emplace(nn::TargetAttentionOptions{.embed_dim = H});
    if (options.pointer) {
      pointer.emplace(attention_options());
      gate.emplace(nn::LinearOptions{.in_features = user.weight.shape()[1], .out_features = 1});
    }
  }

  const AttentionRecommenderOptions& options() const { return options_; }
  Index num_items() const { return options_.num_items; }

  /// What the model thinks at each query.
  struct Prediction {
    Var<Scalar> logits;       ///< [queries, items]
    Var<Scalar> attention{};  ///< weights of the attention, where it has one head; see AttentionResult
    Var<Scalar> pointer{};    ///< weights of the repeat-aware head
    Var<Scalar> gate{};       ///< [queries, 1]: the share of the repeat-aware head
  };

  /// Throws IndexError for an item outside the catalogue, OptionError when a model that sees ages is asked at every
  /// position: an age counts the baskets that came after, so an earlier query would see its own future.
  Prediction predict(Tape<Scalar>& tape, const data::Batch& batch, bool with_attention = false) const {
    // A history of one event has its end at every position.
    const bool every_position = batch.query_segments == batch.segments && batch.segments.max_length() > 1;
    if (ages && every_position) {
      fail<OptionError>("AttentionRecommender",
                        "ages of baskets need one query, at the end of each history: max_age = 0");
    }
    Var<Scalar> x = items(tape, batch.items);
    if (ages) {
      ArenaScope scope(tape.scratch());
      const auto n = static_cast<Index>(batch.ages.size());
      auto* capped = tape.scratch().template array<Index>(n);
      for (Index i = 0; i < n; ++i) capped[i] = std::min(batch.ages[static_cast<std::size_t>(i)], options_.max_age - 1);
      x = x + (*ages)(tape, std::span<const Index>(capped, static_cast<std::size_t>(n)));
    }
    x = dropout(x, options_.dropout);
    Var<Scalar> h = encoder(x, batch.segments).output;
    if (decoder) h = (*decoder)(h, batch.segments).output;
    const Var<Scalar> state = gather(h, batch.query_rows);

    const Mask mask = every_position ? Mask::causal() : Mask();
    const Var<Scalar> keys = concat<Scalar>({h, x}, 1);
    Prediction out;
    Var<Scalar> summary = state;
    if (attends()) {
      AttentionResult<Scalar> seen;
      if (additive) {
        seen = (*additive)(state, batch.query_segments, keys, h, batch.segments, mask, with_attention);
      } else if (multi_head) {
        seen = (*multi_head)(state, batch.query_segments, keys, keys, batch.segments, mask);
      } else {
        seen = (*target)(state, batch.query_segments, h, h, batch.segments, every_position, with_attention);
      }
      if (!multi_head) out.attention = seen.weights;
      summary = concat<Scalar>({seen.context, state}, 1);
    }
    const Var<Scalar> vector = dropout(user(summary), options_.dropout);
    out.logits = linear(vector, tape.parameter(items.weight), tape.parameter(item_bias));
    if (pointer) {
      // The values are not used, only the weights: one column of h is the cheapest to sum.
      out.pointer =
          (*pointer)(state, batch.query_segments, keys, slice(h, 1, 0, 1), batch.segments, mask, true).weights;
      out.gate = (*gate)(summary, Activation::sigmoid);
    }
    return out;
  }

  /// Mean over the queries of the mean over their targets of -log p(target). Throws IndexError for an item or a target
  /// outside the catalogue, ShapeError for a query without targets.
  Var<Scalar> loss(Tape<Scalar>& tape, const data::Batch& batch) const {
    const Prediction out = predict(tape, batch);
    const Index queries = batch.query_segments.tokens(), n = num_items();
    const auto count = static_cast<Index>(batch.targets.size());
    // log p of each target by the catalogue softmax
    Var<Scalar> log_p;
    {
      ArenaScope scope(tape.scratch());
      auto* places = tape.scratch().template array<Index>(count);
      for (Index q = 0; q < queries; ++q) {
        for (Index t = batch.target_segments.begin(q); t < batch.target_segments.end(q); ++t) {
          const Index item = batch.targets[static_cast<std::size_t>(t)];
          if (item < 0 || item >= n) {
            fail<IndexError>("AttentionRecommender", message("target ", item, " of a catalogue of ", n));
          }
          places[t] = q * n + item;
        }
      }
      const Var<Scalar> all = reshape(log_softmax(out.logits), {queries * n, 1});
      log_p = gather(all, std::span<const Index>(places, static_cast<std::size_t>(count)));
    }
    if (pointer) {
      const Var<Scalar> mass = reshape(pointer_mass(out.pointer, batch.query_segments, batch.segments, batch.items,
                                                    batch.targets, batch.target_segments),
                                       {count, 1});
      const Var<Scalar> g = expand(out.gate, batch.target_segments);
      const Var<Scalar> p = g * mass + (1 - g) * exp(log_p);
      log_p = log(p + 1e-30);  // a closed gate on an item that is not in the history
    }
    return -mean(mean(log_p, batch.target_segments));
  }

  /// p(item) at each query into `scores` [queries, items]: probabilities with the repeat-aware head or without. After
  /// an empty history the repeat-aware head has nothing to give, and they sum to 1 - g.
  void score(Tape<Scalar>& tape, const data::Batch& batch, TensorView<Scalar> scores) const {
    score(predict(tape, batch), batch, scores);
  }
  /// The same from a prediction of this batch.
  void score(const Prediction& out, const data::Batch& batch, TensorView<Scalar> scores) const {
    if (scores.rows() != batch.query_segments.tokens() || scores.cols() != num_items()) {
      fail<ShapeError>("AttentionRecommender", message("room for scores ", to_string(scores.shape()), ", wanted [",
                                                       batch.query_segments.tokens(), ", ", num_items(), "]"));
    }
    const auto p = softmax(out.logits).value();
    Index weight = 0;
    for (Index b = 0; b < batch.segments.count(); ++b) {
      for (Index q = batch.query_segments.begin(b); q < batch.query_segments.end(b); ++q) {
        const Scalar g = pointer ? out.gate.value()(q, 0) : Scalar(0);
        for (Index i = 0; i < num_items(); ++i) scores(q, i) = (1 - g) * p(q, i);
        if (!pointer) continue;
        for (Index j = batch.segments.begin(b); j < batch.segments.end(b); ++j, ++weight) {
          scores(q, batch.items[static_cast<std::size_t>(j)]) += g * out.pointer.value()[weight];
        }
      }
    }
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("items", items);
    if (ages) visitor("ages", *ages);
    visitor("encoder", encoder);
    if (decoder) visitor("decoder", *decoder);
    if (additive) visitor("attention", *additive);
    if (multi_head) visitor("attention", *multi_head);
    if (target) visitor("attention", *target);
    visitor("user", user);
    visitor("item_bias", item_bias);
    if (pointer) {
      visitor("pointer", *pointer);
      visitor("gate", *gate);
    }
  }

 private:
  bool attends() const { return options_.attention != AttentionKind::none; }
  nn::AdditiveAttentionOptions attention_options() const {
    const Index H = options_.hidden_size;
    return {.query_size = H, .key_size = H + options_.embed_dim, .hidden_size = H};
  }

  AttentionRecommenderOptions options_;

 public:
  nn::Embedding<Scalar> items;
  std::optional<nn::Embedding<Scalar>> ages;
  nn::LSTM<Scalar> encoder;
  std::optional<nn::LSTM<Scalar>> decoder;
  std::optional<nn::AdditiveAttention<Scalar>> additive;
  std::optional<nn::MultiHeadAttention<Scalar>> multi_head;
  std::optional<nn::TargetAttention<Scalar>> target;
  nn::Linear<Scalar> user;      ///< [context, state] -> user vector
  Parameter<Scalar> item_bias;  ///< [items]
  std::optional<nn::AdditiveAttention<Scalar>> pointer;
  std::optional<nn::Linear<Scalar>> gate;
};

}  // namespace heed::inline HEED_ABI::recsys
