// SPDX-License-Identifier: Apache-2.0
// The baselines of a task: models that count events and have no trained weights.
#pragma once

#include <utility>

#include "heed/core/stopwatch.hpp"
#include "heed/recsys/models/hidden_markov.hpp"
#include "heed/recsys/models/markov.hpp"
#include "heed/recsys/models/personal_frequency.hpp"
#include "heed/recsys/models/popularity.hpp"
#include "heed/recsys/models/tifu_knn.hpp"
#include "heed/recsys/task.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Trains the baselines of `task` and calls `take(name, training_seconds, model)` for each; `ScoreRanker` and
/// `candidate_scorer` accept these models. Leave-one-out counts the training events, as published figures do;
/// last-basket counts the validation events too. Models of the user's own history only are included when the task keeps
/// the history among the candidates, TIFU-KNN for baskets;
/// those that need minutes on a large log (TIFU-KNN, hidden Markov model) only with `slow_ones`.
template <class Take>
void for_each_baseline(const Task& task, bool slow_ones, Take&& take) {
  const bool baskets = task.options().next_basket;
  const auto ends = task.counted_ends(baskets);
  const Stopwatch popularity_watch;
  // Single events: ties are broken by first occurrence, as in the published figures.
  const auto then = baskets ? Popularity::Then::text : Popularity::Then::first;
  const Popularity popularity(task.log(), ends, then);
  const double popularity_seconds = popularity_watch.seconds();
  const Stopwatch markov_watch;
  const Markov markov(task.log(), ends, {.baskets = baskets, .then = then});
  const double markov_seconds = markov_watch.seconds();

  take("popularity", popularity_seconds, popularity);
  take("Markov chain", markov_seconds, markov);
  if (task.options().keeps_history()) {
    using Frequency = PersonalFrequency;
    take("personal frequency", popularity_seconds, Frequency(popularity));
    take("personal frequency, then recency", popularity_seconds, Frequency(popularity, Frequency::Then::recency));
    take("personal frequency, then Markov", markov_seconds, Frequency(markov));
  }
  if (!slow_ones) return;
  if (baskets) {
    const Stopwatch watch;
    // Chosen on the validation baskets of the bundled purchases.
    const TifuKnn knn(task.log(), ends,
                      {.num_neighbors = 600, .within_decay_rate = 1, .group_decay_rate = 1, .num_groups = 1});
    take("TIFU-KNN", watch.seconds(), knn);
  }
  const Stopwatch watch;
  const HiddenMarkov<double> hidden(task.log(), ends, {.states = 60, .iterations = 50, .smoothing = 0.1});
  take("hidden Markov model, 60 states", watch.seconds(), hidden);
}

}  // namespace heed::inline HEED_ABI::recsys
