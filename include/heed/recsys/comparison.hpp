// SPDX-License-Identifier: Apache-2.0
// Comparison of models on one task: their evaluations over seeds, and samples shared by all of them.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "heed/recsys/baselines.hpp"
#include "heed/recsys/evaluate_sampled.hpp"
#include "heed/recsys/statistics.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The results of one model on the test events.
struct Measured {
  std::string name;
  std::vector<Evaluation> evaluations;  ///< one per seed
  double training_seconds = 0;
  double scoring_seconds = 0;  ///< for all users
  double megabytes = 0;        ///< of parameters and of the tape used for scoring; 0: not measured

  /// Returns the mean over seeds of `figure(evaluation)`.
  template <class Figure>
  double mean(Figure figure) const {
    std::vector<double> figures;
    for (const Evaluation& evaluation : evaluations) figures.push_back(figure(evaluation));
    return recsys::mean(figures);
  }
  /// Returns a column of the metrics per user, averaged over seeds: the input of paired_bootstrap.
  std::vector<double> per_user(std::vector<double> Metrics::*column) const {
    std::vector<double> out(evaluations.front().users.size());
    for (const Evaluation& evaluation : evaluations) {
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] += (evaluation.all.*column)[i] / static_cast<double>(evaluations.size());
      }
    }
    return out;
  }
};

/// Evaluates the baselines (see for_each_baseline) on the test events of `task`.
inline std::vector<Measured> measure_baselines(const Task& task, bool slow_ones = false) {
  std::vector<Measured> out;
  for_each_baseline(task, slow_ones, [&](const char* name, double training_seconds, const auto& model) {
    const Stopwatch watch;
    auto evaluation = evaluate(task.log(), task.split(), ScoreRanker(model), task.evaluation());
    out.push_back({name, {std::move(evaluation)}, training_seconds, watch.seconds(), 0});
  });
  return out;
}

/// Returns the mean over users of the area under the ROC curve: each held-out item against 100 negatives, sampled
/// uniformly, the same for every model. `score` as in evaluate_sampled. 0 when no user has a held-out item.
template <class Score>
double mean_auc(const Task& task, Score&& score, HeldOut held_out = HeldOut::test) {
  return mean(evaluate_sampled(task.log(), task.split(), score,
                               {.held_out = held_out,
                                .keep_history = task.options().keeps_history(),
                                .random = Random(1).fork("candidates")})
                  .auc);
}

/// Returns the histories before the test events of at most `most` users with test events, sampled and ordered by
/// `random`. They are views of the task's log.
inline std::vector<data::History> sample_users(const Task& task, Random random, std::size_t most) {
  std::vector<data::Id> users;
  for (data::Id u = 0; u < task.log().num_users(); ++u) {
    if (task.split().tested(u)) users.push_back(u);
  }
  random.shuffle(std::span(users));
  users.resize(std::min(users.size(), most));
  std::vector<data::History> out;
  for (const data::Id u : users) {
    out.push_back(task.log().user(u).first(task.split().validation_end[static_cast<std::size_t>(u)]));
  }
  return out;
}

}  // namespace heed::inline HEED_ABI::recsys
