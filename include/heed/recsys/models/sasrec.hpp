// SPDX-License-Identifier: Apache-2.0
// Self-attentive sequential recommendation (Kang and McAuley 2018).
#pragma once

#include <vector>

#include "heed/data/batch.hpp"
#include "heed/nn/embedding.hpp"
#include "heed/nn/transformer.hpp"
#include "heed/ops/gather.hpp"
#include "heed/ops/linear.hpp"
#include "heed/ops/scale.hpp"
#include "heed/recsys/losses.hpp"

namespace heed::inline HEED_ABI::recsys {

struct SASRecOptions {
  Index num_items = 0;
  Index embed_dim = 64;
  Index num_blocks = 2;
  Index num_heads = 1;
  Index feedforward_dim = 64;
  Index max_length = 200;                           ///< events of a history that the model sees
  nn::NormPlacement norm = nn::NormPlacement::pre;  ///< `query` is the paper's
  double dropout = 0.1;
  NextItemLoss loss{};
};

/// items + positions -> causal transformer blocks -> products with the item table, which is the output layer as well.
///
/// Positions count from the start of what the model sees. Item vectors are scaled by sqrt(embed_dim), as their first
/// values are small (standard deviation 0.02).
template <class Scalar>
class SASRec {
 public:
  using scalar_type = Scalar;

  explicit SASRec(const SASRecOptions& options)
      : items({.num_embeddings = options.num_items, .embedding_dim = options.embed_dim, .standard_deviation = 0.02}),
        positions(
            {.num_embeddings = options.max_length, .embedding_dim = options.embed_dim, .standard_deviation = 0.02}),
        norm({.features = options.embed_dim}),
        options_(options) {
    if (options.num_blocks < 0 || !(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>("SASRec", message("num_blocks ", options.num_blocks, ", dropout ", options.dropout));
    }
    for (Index i = 0; i < options.num_blocks; ++i) {
      blocks.emplace_back(nn::TransformerEncoderLayerOptions{.embed_dim = options.embed_dim,
                                                             .num_heads = options.num_heads,
                                                             .feedforward_dim = options.feedforward_dim,
                                                             .norm = options.norm,
                                                             .dropout = options.dropout,
                                                             .attention_dropout = options.dropout,
                                                             .activation_dropout = options.dropout});
    }
  }

  const SASRecOptions& options() const { return options_; }
  Index num_items() const { return options_.num_items; }

  /// The state after every event: [tokens, embed_dim]. Throws IndexError for an item outside the catalogue, ShapeError
  /// for a history longer than `max_length`.
  Var<Scalar> encode(Tape<Scalar>& tape, const data::Batch& batch) const {
    const Segments& segments = batch.segments;
    if (segments.max_length() > options_.max_length) {
      fail<ShapeError>("SASRec", message("a history of ", segments.max_length(), " events, at most ",
                                         options_.max_length, " are seen"));
    }
    Var<Scalar> x = items(tape, batch.items);
    {
      ArenaScope scope(tape.scratch());
      auto* place = tape.scratch().template array<Index>(segments.tokens());
      for (Index b = 0; b < segments.count(); ++b) {
        for (Index i = segments.begin(b); i < segments.end(b); ++i) place[i] = i - segments.begin(b);
      }
      x = add(scale(x, std::sqrt(static_cast<double>(options_.embed_dim))),
              positions(tape, std::span<const Index>(place, static_cast<std::size_t>(segments.tokens()))));
    }
    x = dropout(x, options_.dropout);
    for (const auto& block : blocks) x = block(x, segments, Mask::causal());
    return norm(x);
  }

  /// Mean over the queries of the loss of their targets.
  Var<Scalar> loss(Tape<Scalar>& tape, const data::Batch& batch) const {
    return next_item_loss(queries(tape, batch), tape.parameter(items.weight), batch, options_.loss);
  }

  /// Logits at each query into `scores` [queries, items].
  void score(Tape<Scalar>& tape, const data::Batch& batch, TensorView<Scalar> scores) const {
    const Var<Scalar> logits = linear(queries(tape, batch), tape.parameter(items.weight));
    if (scores.shape() != logits.shape()) {
      fail<ShapeError>("SASRec",
                       message("room for scores ", to_string(scores.shape()), ", wanted ", to_string(logits.shape())));
    }
    const auto from = logits.value();
    for (Index i = 0; i < scores.rows(); ++i) std::copy_n(from.row(i), scores.cols(), scores.row(i));
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("items", items);
    visitor("positions", positions);
    visitor("blocks", blocks);
    visitor("norm", norm);
  }

  nn::Embedding<Scalar> items, positions;
  std::vector<nn::TransformerEncoderLayer<Scalar>> blocks;
  nn::LayerNorm<Scalar> norm;

 private:
  Var<Scalar> queries(Tape<Scalar>& tape, const data::Batch& batch) const {
    const Var<Scalar> states = encode(tape, batch);
    return batch.query_segments == batch.segments ? states : gather(states, batch.query_rows);
  }

  SASRecOptions options_;
};

}  // namespace heed::inline HEED_ABI::recsys
