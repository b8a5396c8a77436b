// SPDX-License-Identifier: Apache-2.0
// The interface of evaluation: lists of items for a block of users. Rankers for models that score one history.
#pragma once

#include <concepts>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/history.hpp"
#include "heed/recsys/metrics.hpp"

namespace heed::inline HEED_ABI::recsys {

struct RankOptions {
  Index k = 10;              ///< items per list, at most
  bool keep_history = true;  ///< items of the whole history (not only of the part that the model sees) may be listed

  void fields(auto&& visitor) { visitor("k", k, "keep_history", keep_history); }
};

/// A callable that returns one list of distinct items per history, best first.
template <class R>
concept Ranker = requires(R& ranker, std::span<const data::History> histories, const RankOptions& options) {
  { ranker(histories, options) } -> std::convertible_to<std::vector<std::vector<data::Id>>>;
};

/// A model that scores one history at a time: `score(history, scores)` writes one score per item, higher is better.
template <class M>
concept HistoryScorer = requires(const M& model, const data::History& history, std::span<double> scores) {
  { model.num_items() } -> std::convertible_to<Index>;
  model.score(history, scores);
};

/// Throws ShapeError unless there is one score per item.
inline void check_scores(std::string_view operation, std::span<const double> scores, Index num_items) {
  if (std::ssize(scores) != num_items) {
    fail<ShapeError>(operation, "wanted ", num_items, " scores, got ", scores.size());
  }
}

/// The ranker of a HistoryScorer: by rank_top_k, with the model's `tie_keys()` if it has them. The model must outlive
/// it.
template <HistoryScorer Model>
class ScoreRanker {
 public:
  explicit ScoreRanker(const Model& model) : model_(&model), scores_(static_cast<std::size_t>(model.num_items())) {}
  explicit ScoreRanker(const Model&&) = delete;

  std::vector<std::vector<data::Id>> operator()(std::span<const data::History> histories, const RankOptions& options) {
    std::vector<std::vector<data::Id>> out;
    out.reserve(histories.size());
    for (const data::History& history : histories) {
      model_->score(history, std::span(scores_));
      if (!options.keep_history) {
        for (const data::Id item : history.items) {
          if (item < 0 || item >= std::ssize(scores_)) {
            fail<IndexError>("ScoreRanker", "item ", item, " of a history for a model of ", scores_.size(), " items");
          }
          scores_[static_cast<std::size_t>(item)] = -std::numeric_limits<double>::infinity();
        }
      }
      if constexpr (requires { model_->tie_keys(); }) {
        out.push_back(rank_top_k(scores_, options.k, model_->tie_keys()));
      } else {
        out.push_back(rank_top_k(scores_, options.k));
      }
    }
    return out;
  }

 private:
  const Model* model_;
  std::vector<double> scores_;
};

}  // namespace heed::inline HEED_ABI::recsys
