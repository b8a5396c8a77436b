// SPDX-License-Identifier: Apache-2.0
// A next-item recommender around any encoder: the item table as input and output layer, losses and scores.
#pragma once

#include <algorithm>
#include <optional>
#include <span>

#include "heed/ops/exp.hpp"
#include "heed/ops/expand.hpp"
#include "heed/ops/log.hpp"
#include "heed/ops/log_softmax.hpp"
#include "heed/ops/mean.hpp"
#include "heed/ops/operators.hpp"
#include "heed/ops/pointer_mass.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/softmax.hpp"
#include "heed/recsys/history_input.hpp"
#include "heed/recsys/losses.hpp"
#include "heed/recsys/pointer_head.hpp"

namespace heed::inline HEED_ABI::recsys {

struct NextItemOptions {
  Index num_items = 0;
  Index embed_dim = 64;
  Index max_length = 200;        ///< events of a history that the model sees
  double item_deviation = 0.02;  ///< standard deviation of the initial item vectors
  Index max_age = 0;             ///< this and the next three: see HistoryInputOptions
  Index num_kinds = 0;
  Index num_features = 0;
  Combination combination = Combination::add;
  bool item_bias = false;  ///< adds a learned bias per item to the products
  bool pointer = false;    ///< the repeat-aware head
  NextItemLoss loss{};

  void fields(auto&& visitor) {
    visitor("num_items", num_items, "embed_dim", embed_dim, "max_length", max_length, "item_deviation", item_deviation,
            "max_age", max_age, "num_kinds", num_kinds, "num_features", num_features, "combination", combination,
            "item_bias", item_bias, "pointer", pointer, "loss", loss);
  }
};

/// Event vectors -> encoder -> a user vector per query; the logits are its inner products with the item vectors: the
/// item table is also the output layer (tied weights). `embed_dim` and, if present, `max_length` of the encoder's
/// options are set from these options.
template <Encoder E>
class NextItem {
 public:
  using scalar_type = typename E::scalar_type;
  using Scalar = scalar_type;
  using EncoderOptions = typename E::options_type;

  /// `catalogue` has the feature of each item if `num_features` is not 0, and the item counts of the training events
  /// (`counts`: see Task::catalogue), which training requires if the loss samples negatives by popularity or uses
  /// in-batch negatives. Errors as HistoryInput and ItemSampler.
  explicit NextItem(const NextItemOptions& options, const EncoderOptions& encoder_options = {},
                    const data::Catalogue& catalogue = {})
      : options_(checked(options)),
        encoder_options_(fitted(encoder_options, options)),
        input(history_input_options(options), catalogue),
        encoder(encoder_options_),
        item_bias({options.item_bias ? options.num_items : 0}) {
    if (encoder.width() != options.embed_dim) {
      fail<OptionError>("NextItem", "user vectors of ", encoder.width(), " for item vectors of ", options.embed_dim);
    }
    if (options.pointer) {
      if (options.loss.kind != NextItemLoss::Kind::softmax) {
        fail<OptionError>("NextItem", "the repeat-aware head requires the softmax loss over the whole catalogue");
      }
      pointer.emplace(PointerHeadOptions{.state_size = encoder.state_size(), .summary_size = encoder.summary_size()});
    }
    if (catalogue.counts.empty() || !needs_counts(options.loss)) return;
    if (std::ssize(catalogue.counts) != options.num_items) {
      fail<ShapeError>("NextItem", "counts of ", catalogue.counts.size(), " items for ", options.num_items);
    }
    sampler.emplace(catalogue.counts, options.loss.in_batch ? 1 : options.loss.popularity);
  }

  const NextItemOptions& options() const { return options_; }
  const EncoderOptions& encoder_options() const { return encoder_options_; }
  Index num_items() const { return options_.num_items; }
  Index max_length() const { return options_.max_length; }

  /// The outputs at each query.
  struct Prediction {
    Var<Scalar> queries;      ///< [queries, embed_dim]
    Var<Scalar> attention{};  ///< weights of the encoder's attention: see Encoded
    Var<Scalar> pointer{};    ///< weights of the repeat-aware head
    Var<Scalar> gate{};       ///< [queries, 1]: the share of the repeat-aware head
  };

  /// Errors as HistoryInput.
  Prediction predict(Tape<Scalar>& tape, const data::Batch& batch, bool with_attention = false) const {
    const Encoded<Scalar> encoded = encoder(input(tape, batch), batch, with_attention);
    Prediction out{.queries = encoded.queries, .attention = encoded.attention};
    if (pointer) {
      const auto pointed = (*pointer)(encoded.states, encoded.summary, batch);
      out.pointer = pointed.weights;
      out.gate = pointed.gate;
    }
    return out;
  }

  /// See next_item_loss; with the repeat-aware head, the mean over queries of the mean over their targets of -log p.
  /// Throws IndexError for an item or target outside the catalogue, ShapeError for a query without targets, OptionError
  /// when the loss requires counts that the constructor was not given.
  Var<Scalar> loss(Tape<Scalar>& tape, const data::Batch& batch) const {
    const Prediction out = predict(tape, batch);
    if (!pointer) {
      if (!sampler && needs_counts(options_.loss)) {
        fail<OptionError>("NextItem",
                          "popularity and in-batch negatives require a catalogue with item counts in the"
                          " constructor: see Task::catalogue");
      }
      return next_item_loss(out.queries, tape.parameter(input.items.weight), bias(tape), batch, options_.loss,
                            sampler ? &*sampler : nullptr);
    }
    const Index n = num_items(), count = std::ssize(batch.targets);
    // log p of each target from the catalogue softmax alone
    Var<Scalar> log_p;
    {
      ArenaScope scope(tape.scratch());
      const std::span<Index> places(tape.scratch().template array<Index>(count), static_cast<std::size_t>(count));
      for (Index q = 0; q < batch.target_segments.count(); ++q) {
        for (Index t = batch.target_segments.begin(q); t < batch.target_segments.end(q); ++t) {
          const Index item = batch.targets[static_cast<std::size_t>(t)];
          if (item < 0 || item >= n) {
            fail<IndexError>("NextItem", "target ", item, " of a catalogue of ", n);
          }
          places[static_cast<std::size_t>(t)] = q * n + item;
        }
      }
      log_p = gather(reshape(log_softmax(logits(out)), {out.queries.rows() * n, 1}), std::span<const Index>(places));
    }
    const Var<Scalar> mass = reshape(pointer_mass(out.pointer, batch.query_segments, batch.segments, batch.items,
                                                  batch.targets, batch.target_segments),
                                     {count, 1});
    const Var<Scalar> g = expand(out.gate, batch.target_segments);
    const Var<Scalar> p = g * mass + (1 - g) * exp(log_p);
    // 1e-30: p is 0 if the gate is 1 and the item is not in the history
    return -mean(mean(log(p + 1e-30), batch.target_segments));
  }

  /// Writes p(item) at each query to `scores` [queries, items]. After an empty history the repeat-aware head has no
  /// items, and the probabilities sum to 1 - g.
  void score(Tape<Scalar>& tape, const data::Batch& batch, TensorView<Scalar> scores) const {
    score(predict(tape, batch), batch, scores);
  }
  /// The same from a prediction of this batch.
  void score(const Prediction& out, const data::Batch& batch, TensorView<Scalar> scores) const {
    if (scores.rows() != batch.query_segments.tokens() || scores.cols() != num_items()) {
      fail<ShapeError>("NextItem", "scores ", scores.shape(), ", wanted [", batch.query_segments.tokens(), ", ",
                       num_items(), "]");
    }
    const auto p = softmax(logits(out)).value();
    Index weight = 0;
    for (Index b = 0; b < batch.segments.count(); ++b) {
      for (Index q = batch.query_segments.begin(b); q < batch.query_segments.end(b); ++q) {
        const Scalar rest = pointer ? 1 - out.gate.value()(q, 0) : Scalar(1);
        for (Index i = 0; i < num_items(); ++i) scores(q, i) = rest * p(q, i);
        if (!pointer) continue;
        for (Index j = batch.segments.begin(b); j < batch.segments.end(b); ++j, ++weight) {
          scores(q, batch.items[static_cast<std::size_t>(j)]) += (1 - rest) * out.pointer.value()[weight];
        }
      }
    }
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    input.visit(visitor);
    visitor("encoder", encoder);
    if (options_.item_bias) visitor("item_bias", item_bias);
    if (pointer) visitor("pointer", *pointer);
  }

 private:
  static bool needs_counts(const NextItemLoss& loss) { return loss.in_batch || loss.popularity != 0; }
  static const NextItemOptions& checked(const NextItemOptions& options) {
    if (options.max_length <= 0) {
      fail<OptionError>("NextItem", "max_length ", options.max_length);
    }
    return options;
  }
  static EncoderOptions fitted(EncoderOptions encoder, const NextItemOptions& options) {
    encoder.embed_dim = options.embed_dim;
    if constexpr (requires { encoder.max_length; }) encoder.max_length = options.max_length;
    return encoder;
  }

  Var<Scalar> bias(Tape<Scalar>& tape) const { return options_.item_bias ? tape.parameter(item_bias) : Var<Scalar>(); }
  Var<Scalar> logits(const Prediction& out) const {
    Tape<Scalar>& tape = out.queries.tape();
    return next_item_logits(out.queries, tape.parameter(input.items.weight), bias(tape), options_.loss);
  }

  NextItemOptions options_;
  EncoderOptions encoder_options_;

 public:
  HistoryInput<Scalar> input;
  E encoder;
  Parameter<Scalar> item_bias;  ///< [items], or empty
  std::optional<PointerHead<Scalar>> pointer;
  std::optional<ItemSampler> sampler;  ///< of negatives, if the catalogue has counts and the loss requires them
};

}  // namespace heed::inline HEED_ABI::recsys
