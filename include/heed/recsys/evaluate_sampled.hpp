// SPDX-License-Identifier: Apache-2.0
// Ranks each held-out item against a few candidates: the protocols of SASRec and BERT4Rec, and AUC.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/core/random.hpp"
#include "heed/recsys/evaluate.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The negatives of a target: sampled uniformly, sampled by frequency in the histories, or every item.
enum class Candidates { uniform, popularity, all };
constexpr auto names(Candidates) { return enum_names("uniform", "popularity", "all"); }

struct EvaluateSampledOptions {
  Index k = 10;
  HeldOut held_out = HeldOut::test;
  Candidates candidates = Candidates::uniform;
  Index count = 100;  ///< negatives per user (not with `all`)
  /// True: an item may be sampled several times (SASRec's code). False: the negatives of a user are distinct, and fewer
  /// than `count` if there are not enough (BERT4Rec's code).
  bool replacement = true;
  bool keep_history = false;  ///< items of the history may be targets and negatives
  Ties ties = Ties::conservative;
  Random random{};  ///< the same value gives every model the same negatives, independent of the set of users

  void fields(auto&& visitor) {
    visitor("k", k, "held_out", held_out, "candidates", candidates, "count", count, "replacement", replacement,
            "keep_history", keep_history, "ties", ties, "random", random);
  }
};

/// The result per user. Sampled metrics do not rank models as full ranking does (Krichene and Rendle 2020): do not
/// compare the two.
struct SampledEvaluation {
  std::vector<data::Id> users;  ///< the users with a target and a negative, ascending
  Metrics metrics;              ///< [users] mean over a user's targets, each ranked alone among the negatives
  std::vector<double> auc;      ///< [users] of the user's targets against the negatives; ties count half
};

/// Adapts a HistoryScorer for `evaluate_sampled`. If the model has tie keys, the candidates' scores are their ranks in
/// its total order, so that no artificial ties remain.
template <HistoryScorer Model>
auto candidate_scorer(const Model& model) {
  return [&model, all = std::vector<double>(static_cast<std::size_t>(model.num_items()))](
             const data::History& past, std::span<const data::Id> items, std::span<double> scores) mutable {
    model.score(past, std::span(all));
    const auto score = [&](data::Id item) { return all[static_cast<std::size_t>(item)]; };
    std::transform(items.begin(), items.end(), scores.begin(), score);
    if constexpr (requires { model.tie_keys(); }) {
      const auto key = [&](data::Id item) { return model.tie_keys()[static_cast<std::size_t>(item)]; };
      std::vector<data::Id> order = data::distinct(items);
      std::erase_if(order, [&](data::Id item) { return !(score(item) > -std::numeric_limits<double>::infinity()); });
      std::sort(order.begin(), order.end(),
                [&](data::Id a, data::Id b) { return score(a) != score(b) ? score(a) < score(b) : key(a) > key(b); });
      for (std::size_t i = 0; i < order.size(); ++i) all[static_cast<std::size_t>(order[i])] = static_cast<double>(i);
      std::transform(items.begin(), items.end(), scores.begin(), score);
    }
  };
}

template <HistoryScorer Model>
auto candidate_scorer(const Model&& model) = delete;

namespace detail {

/// Samples items that are not excluded, with probabilities proportional to their weights.
class NegativeSampler {
 public:
  /// `weights` [items], not negative.
  explicit NegativeSampler(std::span<const Index> weights) : ends_(weights.size()), excluded_by_(weights.size(), -1) {
    std::partial_sum(weights.begin(), weights.end(), ends_.begin());
  }

  /// Appends `count` items to `out`; `row` must increase from call to call. Samples of excluded items are repeated.
  void draw(std::span<const data::Id> excluded, Index count, bool replacement, Random random, Index row,
            std::vector<data::Id>& out) {
    const Index total = ends_.empty() ? 0 : ends_.back();
    Index left = total;  // the total weight of items that are not excluded
    const auto exclude = [&](data::Id item) {
      const auto i = static_cast<std::size_t>(item);
      if (std::exchange(excluded_by_[i], row) != row) left -= ends_[i] - (i == 0 ? 0 : ends_[i - 1]);
    };
    for (const data::Id item : excluded) exclude(item);
    std::uint64_t draws = 0;
    while (count > 0 && left > 0) {
      const auto at = std::upper_bound(ends_.begin(), ends_.end(), random.below(draws++, total));
      const auto item = static_cast<data::Id>(at - ends_.begin());
      if (excluded_by_[static_cast<std::size_t>(item)] == row) continue;
      out.push_back(item);
      --count;
      if (!replacement) exclude(item);
    }
  }

 private:
  std::vector<Index> ends_;         // [items] cumulative sums of the weights
  std::vector<Index> excluded_by_;  // [items] the last row that excluded the item
};

}  // namespace detail

/// Calls `score(History, items, scores)` with the targets followed by the negatives of every user of for_each_held_out.
/// A target is never a negative. Throws what that throws, and OptionError on k < 1 or count < 1.
template <class Score>
SampledEvaluation evaluate_sampled(const data::Interactions& log, const data::Split& split, Score&& score,
                                   const EvaluateSampledOptions& options = {}) {
  if (options.count < 1) fail<OptionError>("evaluate_sampled", "wanted count >= 1, got ", options.count);
  std::vector<Index> weights(static_cast<std::size_t>(log.num_items()), 1);
  if (options.candidates == Candidates::popularity) {
    weights = data::item_counts(log, options.held_out == HeldOut::test ? split.validation_end : split.train_end);
  }
  detail::NegativeSampler sampler(weights);
  SampledEvaluation out;
  std::vector<double> scores;
  const auto measure = [&](HeldOutUser user) {
    const data::History& past = user.past;
    std::vector<data::Id>& items = user.targets;  // the negatives are appended
    const auto num_targets = items.size();
    std::vector<data::Id> excluded = items;
    if (!options.keep_history) excluded.insert(excluded.end(), past.items.begin(), past.items.end());
    if (options.candidates == Candidates::all) {
      excluded = data::distinct(excluded);
      for (data::Id item = 0; item < log.num_items(); ++item) {
        if (!std::binary_search(excluded.begin(), excluded.end(), item)) items.push_back(item);
      }
    } else {
      const Random random = options.random.fork(static_cast<std::uint64_t>(past.user));
      sampler.draw(excluded, options.count, options.replacement, random, past.user, items);
    }
    if (items.size() == num_targets) return;
    scores.resize(items.size());
    score(past, std::span<const data::Id>(items), std::span(scores));
    const auto targets = std::span(scores).first(num_targets), negatives = std::span(scores).subspan(num_targets);
    Metrics each;
    for (const double target : targets) each.add(candidate_metrics(target, negatives, options.k, options.ties));
    out.users.push_back(past.user);
    out.metrics.add(each.mean());
    out.auc.push_back(auc(targets, negatives));
  };
  for_each_held_out(log, split, options.held_out, options.keep_history, measure);
  return out;
}

}  // namespace heed::inline HEED_ABI::recsys
