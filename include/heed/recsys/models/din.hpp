// SPDX-License-Identifier: Apache-2.0
// The Deep Interest Network (Zhou et al. 2018): predicts whether a user takes an item.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "heed/nn/target_attention.hpp"
#include "heed/ops/activation.hpp"
#include "heed/ops/bce_with_logits.hpp"
#include "heed/ops/operators.hpp"
#include "heed/recsys/history_input.hpp"

namespace heed::inline HEED_ABI::recsys {

struct DINOptions {
  Index num_items = 0;
  Index embed_dim = 64;
  double item_deviation = 0.1;  ///< standard deviation of the initial item vectors
  Index max_age = 0;            ///< this and the next three: see HistoryInputOptions
  Index num_kinds = 0;
  Index num_features = 0;
  Combination combination = Combination::add;
  std::vector<Index> attention_features = {36};  ///< of the activation unit
  bool softmax = false;                          ///< of the attention weights; the paper sums without normalisation
  std::vector<Index> hidden_features = {200, 80};
  Activation activation = Activation::relu;  ///< of the hidden layers; the paper's Dice is not available
  double dropout = 0;
  Index negatives = 1;  ///< number of sampled negatives per target

  void fields(auto&& visitor) {
    visitor("num_items", num_items, "embed_dim", embed_dim, "item_deviation", item_deviation, "max_age", max_age,
            "num_kinds", num_kinds, "num_features", num_features, "combination", combination, "attention_features",
            attention_features, "softmax", softmax, "hidden_features", hidden_features, "activation", activation,
            "dropout", dropout, "negatives", negatives);
  }
};

/// Each candidate attends to the events of the history; a network maps the weighted sum, the candidate and the product
/// of the two to a logit. The history is a set: the order of events only matters through their ages, if enabled.
template <class Scalar = float>
class DIN {
 public:
  using scalar_type = Scalar;

  /// `catalogue` has the feature of each item if `num_features` is not 0. Errors as HistoryInput.
  explicit DIN(const DINOptions& options, const data::Catalogue& catalogue = {})
      : input(history_input_options(options), catalogue),
        attention({.embed_dim = options.embed_dim,
                   .hidden_features = options.attention_features,
                   .softmax = options.softmax}),
        mlp({.in_features = 3 * options.embed_dim,
             .hidden_features = options.hidden_features,
             .out_features = 1,
             .activation = options.activation,
             .dropout = options.dropout}),
        options_(options) {
    if (options.num_items < 2 || options.negatives <= 0) {
      fail<OptionError>("DIN", "num_items ", options.num_items, ", negatives ", options.negatives);
    }
  }

  const DINOptions& options() const { return options_; }
  Index num_items() const { return options_.num_items; }

  /// Returns the probability that each candidate is taken next: [candidates] -> [candidates, 1]. Segment b has the
  /// candidates of history b, any number. Errors as HistoryInput; ShapeError unless there is one segment per history.
  Var<Scalar> click(Tape<Scalar>& tape, const data::Batch& batch, std::span<const Index> candidates,
                    SegmentsView segments) const {
    return sigmoid(logits(input(tape, batch), batch, candidates, segments, false));
  }

  /// Returns the mean binary cross-entropy of the targets and, per target, of `negatives` other items sampled with
  /// `Tape::next_random`, possibly other targets of the same basket. Throws IndexError for an item or a target outside
  /// the catalogue, ShapeError for several targets at every position.
  Var<Scalar> loss(Tape<Scalar>& tape, const data::Batch& batch) const {
    const Segments& targets = batch.target_segments;
    const bool one_each = targets.max_length() <= 1 && targets.tokens() == batch.query_segments.tokens();
    const bool causal = every_position(batch);
    if (causal && !one_each) fail<ShapeError>("DIN", "several targets at every position");
    const Segments& segments = one_each ? batch.query_segments : targets;
    const Var<Scalar> x = input(tape, batch);
    const Random random = tape.next_random();
    ArenaScope scope(tape.scratch());
    const Index count = std::ssize(batch.targets), rounds = 1 + options_.negatives;
    const std::span<Index> others(tape.scratch().template array<Index>(count), batch.targets.size());
    auto* parts = tape.scratch().template array<Var<Scalar>>(rounds);
    const TensorView<Scalar> taken = tape.zeros({rounds * count, 1});
    std::fill_n(taken.data(), count, Scalar(1));
    parts[0] = logits(x, batch, batch.targets, segments, causal);
    for (Index r = 1; r < rounds; ++r) {
      for (Index t = 0; t < count; ++t) {
        const Index target = batch.targets[static_cast<std::size_t>(t)];
        const Index drawn = random.below(static_cast<std::uint64_t>(r * count + t), num_items() - 1);
        others[static_cast<std::size_t>(t)] = drawn < target ? drawn : drawn + 1;
      }
      parts[r] = logits(x, batch, others, segments, causal);
    }
    const std::span<const Var<Scalar>> all(parts, static_cast<std::size_t>(rounds));
    return bce_with_logits(concat<Scalar>(all, 0), tape.constant_in_place(taken));
  }

  /// Writes the probability of every item at each query to `scores` [queries, items], computed for some candidates at a
  /// time to bound the memory. (With queries at every position one candidate at a time, which is slow.)
  void score(Tape<Scalar>& tape, const data::Batch& batch, TensorView<Scalar> scores) const {
    const SegmentsView queries = batch.query_segments;
    const Index rows = queries.tokens();
    if (scores.rows() != rows || scores.cols() != num_items()) {
      fail<ShapeError>("DIN", "scores ", scores.shape(), ", wanted [", rows, ", ", num_items(), "]");
    }
    constexpr Index at_once = 1024;  // for all queries
    const bool causal = every_position(batch);
    const Index most = causal ? 1 : std::clamp<Index>(at_once / std::max<Index>(rows, 1), 1, num_items());
    const Var<Scalar> x = input(tape, batch);
    ArenaScope scope(tape.scratch());
    Index* const candidates = tape.scratch().template array<Index>(rows * most);
    Index* const offsets = tape.scratch().template array<Index>(queries.count + 1);
    for (Index first = 0; first < num_items(); first += most) {
      const Index n = std::min(most, num_items() - first);
      for (Index i = 0; i < rows * n; ++i) candidates[i] = first + i % n;
      for (Index b = 0; b <= queries.count; ++b) offsets[b] = n * queries.offsets[b];
      const auto mark = tape.mark();
      const auto p = sigmoid(logits(x, batch, {candidates, static_cast<std::size_t>(rows * n)},
                                    {queries.count, n * queries.max_length, offsets, queries.order}, causal))
                         .value();
      for (Index q = 0; q < rows; ++q) std::copy_n(p.data() + q * n, n, scores.row(q) + first);
      tape.rewind(mark);
    }
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    input.visit(visitor);
    visitor("attention", attention);
    visitor("mlp", mlp);
  }

  HistoryInput<Scalar> input;
  nn::TargetAttention<Scalar> attention;
  nn::Mlp<Scalar> mlp;

 private:
  /// x [tokens, embed_dim], the vectors of the events -> [candidates, 1].
  Var<Scalar> logits(Var<Scalar> x, const data::Batch& batch, std::span<const Index> candidates, SegmentsView segments,
                     bool causal) const {
    const Var<Scalar> c = input.candidates(x.tape(), candidates);
    const Mask mask = causal ? Mask::causal() : Mask();
    const Var<Scalar> interest = attention(c, segments, x, x, batch.segments, {.mask = mask}).context;
    return mlp(concat<Scalar>({interest, c, interest * c}, 1));
  }

  DINOptions options_;
};
DIN(const DINOptions&) -> DIN<float>;

}  // namespace heed::inline HEED_ABI::recsys
