// SPDX-License-Identifier: Apache-2.0
// Scores a few candidate items with a neural model, for sampled metrics and AUC.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/recsys/check_finite.hpp"
#include "heed/recsys/ranker.hpp"
#include "heed/recsys/recommender.hpp"

namespace heed::inline HEED_ABI::recsys {

struct CandidateScorerOptions {
  Index max_length = 300;  ///< maximum number of events that the model sees; limited by its own maximum
  Executor* executor = nullptr;

  void fields(auto&& visitor) { visitor("max_length", max_length, "executor", executor); }
};

/// Adapts a model for `evaluate_sampled`: one with `click(tape, batch, candidates, segments)` or, scoring the whole
/// catalogue and keeping the candidates, with `score(tape, batch, scores)`. The model must outlive it.
template <class Model>
class CandidateScorer {
 public:
  using Scalar = typename Model::scalar_type;

  explicit CandidateScorer(const Model& model, const CandidateScorerOptions& options = {})
      : model_(&model),
        max_length_(seen_length(model, options.max_length)),
        tape_({.record = false, .executor = options.executor}) {
    if (options.max_length < 0) fail<OptionError>("CandidateScorer", "max_length ", options.max_length);
  }
  explicit CandidateScorer(const Model&&, const CandidateScorerOptions& = {}) = delete;

  /// Throws IndexError for an item outside the catalogue, ShapeError unless there is one score per item, Error if a
  /// score is not finite, naming the weight that is not.
  void operator()(const data::History& past, std::span<const data::Id> items, std::span<double> scores) {
    check_scores("CandidateScorer", scores, std::ssize(items));
    for (const data::Id item : items) {
      if (item >= 0 && item < model_->num_items()) continue;
      fail<IndexError>("CandidateScorer", "item ", item, " of a catalogue of ", model_->num_items());
    }
    batch_.assign_history(past, max_length_);
    tape_.clear();
    if constexpr (requires { model_->click(tape_, batch_, candidates_, segments_); }) {
      candidates_.assign(items.begin(), items.end());
      const Index count = std::ssize(items);
      segments_.assign({&count, 1});
      const auto p = model_->click(tape_, batch_, candidates_, segments_).value();
      for (std::size_t i = 0; i < items.size(); ++i) scores[i] = static_cast<double>(p[static_cast<Index>(i)]);
    } else {
      const TensorView<Scalar> all = tape_.allocate({1, model_->num_items()});
      model_->score(tape_, batch_, all);
      for (std::size_t i = 0; i < items.size(); ++i) scores[i] = static_cast<double>(all[items[i]]);
    }
    check_finite("CandidateScorer", *model_, std::span<const double>(scores));
  }

 private:
  const Model* model_;
  Index max_length_;
  Tape<Scalar> tape_;
  data::Batch batch_;
  std::vector<Index> candidates_;
  Segments segments_;
};

}  // namespace heed::inline HEED_ABI::recsys
