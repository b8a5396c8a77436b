// SPDX-License-Identifier: Apache-2.0
// Models side by side on one task: the traditional ones, the table of all, and intervals around the differences.
#pragma once

#include <chrono>
#include <cstdint>
#include <heed/recsys/bootstrap.hpp>
#include <heed/recsys/evaluate.hpp>
#include <heed/recsys/models/hidden_markov.hpp>
#include <heed/recsys/models/markov.hpp>
#include <heed/recsys/models/personal_frequency.hpp>
#include <heed/recsys/models/popularity.hpp>
#include <heed/recsys/models/tifu_knn.hpp>
#include <heed/recsys/task.hpp>
#include <string>
#include <utility>
#include <vector>

#include "table.hpp"

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

/// Trains the traditional models on what may be counted (see the ends below), and measures them. Those that go by the
/// user's own history only appear where it may be recommended again, those that take minutes when they are asked for.
inline std::vector<Measured> measure_baselines(const heed::recsys::Task& task, bool slow_ones = false) {
  namespace recsys = heed::recsys;
  // Leave-one-out counts what trains, as the published figures have it; last-basket all but the test.
  const auto ends = task.counted_ends(task.options().next_basket);
  std::vector<Measured> out;
  const auto measure = [&](std::string name, double training_seconds, const auto& model) {
    const Stopwatch watch;
    auto evaluation =
        recsys::evaluate(task.log(), task.split(), recsys::ranker(model), task.evaluation(recsys::HeldOut::test));
    out.push_back({std::move(name), {std::move(evaluation)}, training_seconds, watch.seconds(), 0});
  };
  const Stopwatch popularity_watch;
  // Of events one by one, ties go to the item that was counted first, as the published figures have it.
  const auto then = task.options().next_basket ? recsys::Popularity::Then::id : recsys::Popularity::Then::first;
  const recsys::Popularity popularity(task.log(), ends, then);
  const double popularity_seconds = popularity_watch.seconds();
  const Stopwatch markov_watch;
  const recsys::Markov markov(task.log(), ends, {.baskets = task.options().next_basket, .then = then});
  const double markov_seconds = markov_watch.seconds();

  measure("popularity", popularity_seconds, popularity);
  measure("Markov chain", markov_seconds, markov);
  if (task.options().next_basket) {
    using Frequency = recsys::PersonalFrequency;
    measure("personal frequency", popularity_seconds, Frequency(popularity));
    measure("personal frequency, then recency", popularity_seconds, Frequency(popularity, Frequency::Then::recency));
    measure("personal frequency, then Markov", markov_seconds, Frequency(markov));
  }
  if (slow_ones) {
    if (task.options().next_basket) {
      const Stopwatch watch;
      // Chosen on the validation baskets of the bundled purchases.
      const recsys::TifuKnn knn(task.log(), ends,
                                {.num_neighbors = 600, .within_decay_rate = 1, .group_decay_rate = 1, .num_groups = 1});
      measure("TIFU-KNN", watch.seconds(), knn);
    }
    const Stopwatch watch;
    const recsys::HiddenMarkov<double> hidden(task.log(), ends, {.states = 60, .iterations = 50, .smoothing = 0.1});
    measure("hidden Markov model, 60 states", watch.seconds(), hidden);
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
