// SPDX-License-Identifier: Apache-2.0
// Models side by side on one task: the traditional ones, the table of all, and intervals around the differences.
#pragma once

#include <chrono>
#include <cstdint>
#include <heed/recsys/bootstrap.hpp>
#include <heed/recsys/evaluate.hpp>
#include <heed/recsys/evaluate_sampled.hpp>
#include <heed/recsys/models/hidden_markov.hpp>
#include <heed/recsys/models/markov.hpp>
#include <heed/recsys/models/personal_frequency.hpp>
#include <heed/recsys/models/popularity.hpp>
#include <heed/recsys/models/tifu_knn.hpp>
#include <heed/recsys/task.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../table.hpp"

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// One model on the test events; several evaluations when it was trained from several seeds.
struct Measured {
  std::string name;
  std::vector<heed::recsys::Evaluation> evaluations;
  double training_seconds = 0;
  double scoring_seconds = 0;  ///< of all users together
  double megabytes = 0;        ///< of parameters and of the tape that scores; 0: not measured

  /// The mean over seeds of a figure of an evaluation.
  template <class Figure>
  double mean(Figure figure) const {
    double sum = 0;
    for (const auto& evaluation : evaluations) sum += figure(evaluation);
    return sum / static_cast<double>(evaluations.size());
  }
  /// A column of the metrics, user by user, averaged over seeds.
  std::vector<double> per_user(std::vector<double> heed::recsys::Metrics::*column) const {
    std::vector<double> out(evaluations.front().users.size());
    for (const auto& evaluation : evaluations) {
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] += (evaluation.all.*column)[i] / static_cast<double>(evaluations.size());
      }
    }
    return out;
  }
};

/// Trains the traditional models on what may be counted (see the ends below), and calls `take(name, training_seconds,
/// model)` for each. Those that go by the user's own history only appear where it may be recommended again, those that
/// take minutes when they are asked for.
template <class Take>
void for_each_baseline(const heed::recsys::Task& task, bool slow_ones, Take&& take) {
  namespace recsys = heed::recsys;
  // Leave-one-out counts what trains, as the published figures have it; last-basket all but the test.
  const auto ends = task.counted_ends(task.options().next_basket);
  const Stopwatch popularity_watch;
  // Of events one by one, ties go to the item that was counted first, as the published figures have it.
  const auto then = task.options().next_basket ? recsys::Popularity::Then::id : recsys::Popularity::Then::first;
  const recsys::Popularity popularity(task.log(), ends, then);
  const double popularity_seconds = popularity_watch.seconds();
  const Stopwatch markov_watch;
  const recsys::Markov markov(task.log(), ends, {.baskets = task.options().next_basket, .then = then});
  const double markov_seconds = markov_watch.seconds();

  take("popularity", popularity_seconds, popularity);
  take("Markov chain", markov_seconds, markov);
  if (task.options().next_basket) {
    using Frequency = recsys::PersonalFrequency;
    take("personal frequency", popularity_seconds, Frequency(popularity));
    take("personal frequency, then recency", popularity_seconds, Frequency(popularity, Frequency::Then::recency));
    take("personal frequency, then Markov", markov_seconds, Frequency(markov));
  }
  if (slow_ones) {
    if (task.options().next_basket) {
      const Stopwatch watch;
      // Chosen on the validation baskets of the bundled purchases.
      const recsys::TifuKnn knn(task.log(), ends,
                                {.num_neighbors = 600, .within_decay_rate = 1, .group_decay_rate = 1, .num_groups = 1});
      take("TIFU-KNN", watch.seconds(), knn);
    }
    const Stopwatch watch;
    const recsys::HiddenMarkov<double> hidden(task.log(), ends, {.states = 60, .iterations = 50, .smoothing = 0.1});
    take("hidden Markov model, 60 states", watch.seconds(), hidden);
  }
}

inline std::vector<Measured> measure_baselines(const heed::recsys::Task& task, bool slow_ones = false) {
  std::vector<Measured> out;
  for_each_baseline(task, slow_ones, [&](const char* name, double training_seconds, const auto& model) {
    const Stopwatch watch;
    auto evaluation = heed::recsys::evaluate(task.log(), task.split(), heed::recsys::ranker(model), task.evaluation());
    out.push_back({name, {std::move(evaluation)}, training_seconds, watch.seconds(), 0});
  });
  return out;
}

/// Mean over the users of the area under the ROC curve: each held-out item against 100 that the user has not taken,
/// drawn alike, and the same for every model. `score` as evaluate_sampled takes it.
template <class Score>
double mean_auc(const heed::recsys::Task& task, Score&& score,
                heed::recsys::HeldOut held_out = heed::recsys::HeldOut::test) {
  const auto measured = heed::recsys::evaluate_sampled(
      task.log(), task.split(), score,
      {.held_out = held_out, .keep_history = task.options().next_basket, .random = heed::Random(1).fork("candidates")});
  double sum = 0;
  for (const double one : measured.auc) sum += one;
  return measured.auc.empty() ? 0 : sum / static_cast<double>(measured.auc.size());
}

/// Some of the users with test events, by seed, in the order drawn.
inline std::vector<heed::recsys::History> sample_users(const heed::recsys::Task& task, heed::Random random,
                                                       std::size_t most) {
  std::vector<heed::Index> users;
  for (heed::Index u = 0; u < task.log().num_users(); ++u) {
    if (task.split().tested(u)) users.push_back(u);
  }
  random.shuffle(std::span(users));
  std::vector<heed::recsys::History> out;
  for (std::size_t i = 0; i < std::min(users.size(), most); ++i) {
    out.push_back(
        heed::recsys::history(task.log(), users[i], task.split().validation_end[static_cast<std::size_t>(users[i])]));
  }
  return out;
}

/// The figures of all models, over all targets and over repeats (in the history) and new items apart.
inline Table metrics_table(const std::vector<Measured>& models, heed::Index k) {
  const auto at_k = [&](std::string metric) { return metric + "@" + std::to_string(k); };
  Table table{{"model", at_k("HitRate"), at_k("Recall"), at_k("NDCG"), "MRR", "coverage", "NDCG repeat", "NDCG new"},
              {}};
  for (const Measured& model : models) {
    const auto cell = [&](auto figure) { return fixed(model.mean(figure), 4); };
    using heed::recsys::Evaluation;
    table.rows.push_back({model.name, cell([](const Evaluation& e) { return e.all.mean().hit_rate; }),
                          cell([](const Evaluation& e) { return e.all.mean().recall; }),
                          cell([](const Evaluation& e) { return e.all.mean().ndcg; }),
                          cell([](const Evaluation& e) { return e.all.mean().mrr; }),
                          cell([](const Evaluation& e) { return e.coverage; }),
                          cell([](const Evaluation& e) { return e.repeats.mean().ndcg; }),
                          cell([](const Evaluation& e) { return e.firsts.mean().ndcg; })});
  }
  return table;
}

/// `+0.0042 [0.0002, 0.0082]`.
inline std::string interval(const heed::recsys::MeanDifference& difference) {
  return (difference.mean < 0 ? "" : "+") + fixed(difference.mean, 4) + " [" + fixed(difference.low, 4) + ", " +
         fixed(difference.high, 4) + "]";
}

/// How far `model` is above each of the others: paired bootstrap over users.
inline Table differences_table(const Measured& model, const std::vector<Measured>& others, heed::Index k,
                               heed::Random random) {
  using heed::recsys::Metrics;
  Table table{{model.name + " minus", "NDCG@" + std::to_string(k), "Recall@" + std::to_string(k)}, {}};
  for (const Measured& other : others) {
    const auto cell = [&](std::vector<double> Metrics::*column) {
      return interval(heed::recsys::paired_bootstrap(model.per_user(column), other.per_user(column), random));
    };
    table.rows.push_back({other.name, cell(&Metrics::ndcg), cell(&Metrics::recall)});
  }
  return table;
}
