// SPDX-License-Identifier: Apache-2.0
// The tables of `recommend compare` beside the metrics: by length of history, by share of training users, by number of
// events that the models see; and the costs.
#pragma once

#include <algorithm>
#include <cstdio>
#include <heed/io/comparison.hpp>
#include <regex>
#include <string>
#include <vector>

#include "variants.hpp"

/// NDCG of the users with at most three events, of which there must be at least one.
inline double ndcg_of_the_new(const heed::recsys::Evaluation& evaluation) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < evaluation.lengths.size(); ++i) {
    if (evaluation.lengths[i] > 3) continue;
    sum += evaluation.all.ndcg[i];
    ++count;
  }
  return sum / count;
}

/// NDCG@10 by length of history, and the costs of each model.
inline heed::io::Table lengths_and_costs(const std::vector<heed::recsys::Measured>& models) {
  heed::io::Table table{{"model"}, {}};
  const auto groups = heed::recsys::by_history_length(models.front().evaluations.front());
  std::vector<std::size_t> filled;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].metrics.size() == 0) continue;
    filled.push_back(g);
    table.header.push_back(std::to_string(groups[g].shortest) + "-" + std::to_string(groups[g].longest) + " items");
  }
  const auto& lengths = models.front().evaluations.front().lengths;
  const bool has_new = *std::min_element(lengths.begin(), lengths.end()) <= 3;
  if (has_new) table.header.push_back("at most 3 items");
  table.header.insert(table.header.end(), {"training, s", "scoring, us per user", "MB"});
  for (const heed::recsys::Measured& model : models) {
    std::vector<std::string> row{model.name};
    for (const std::size_t g : filled) {
      row.push_back(heed::io::fixed(model.mean([g](const heed::recsys::Evaluation& evaluation) {
        return heed::recsys::by_history_length(evaluation)[g].metrics.mean().ndcg;
      }),
                                    4));
    }
    if (has_new) row.push_back(heed::io::fixed(model.mean(ndcg_of_the_new), 4));
    const auto users = static_cast<double>(model.evaluations.front().users.size());
    row.push_back(heed::io::fixed(model.training_seconds, 1));
    row.push_back(heed::io::fixed(1e6 * model.scoring_seconds / users, 0));
    row.push_back(model.megabytes > 0 ? heed::io::fixed(model.megabytes, 1) : "-");
    table.rows.push_back(row);
  }
  return table;
}

/// a - b in NDCG@10 on the users of one group of history lengths.
inline heed::recsys::MeanDifference on_group(const heed::recsys::Measured& a, const heed::recsys::Measured& b,
                                             std::size_t group, heed::Random random) {
  const auto per_user = [group](const heed::recsys::Measured& model) {
    std::vector<double> mean;
    for (const auto& evaluation : model.evaluations) {
      const auto ndcg = heed::recsys::by_history_length(evaluation)[group].metrics.ndcg;
      mean.resize(ndcg.size());
      for (std::size_t i = 0; i < ndcg.size(); ++i) mean[i] += ndcg[i] / static_cast<double>(model.evaluations.size());
    }
    return mean;
  };
  return heed::recsys::paired_bootstrap(per_user(a), per_user(b), random);
}

/// Appends a row per group of history lengths; the interval of the difference decides the answer.
inline void add_verdicts(heed::io::Table& verdicts, const heed::recsys::Measured& with,
                         const heed::recsys::Measured& without, heed::Random random) {
  const char* names[] = {"short", "middle", "long"};
  const auto groups = heed::recsys::by_history_length(with.evaluations.front());
  for (std::size_t group = 0; group < 3; ++group) {
    if (groups[group].metrics.size() == 0) continue;
    const auto difference = on_group(with, without, group, random);
    const char* verdict = difference.low > 0 ? "yes" : difference.high < 0 ? "no, worse" : "no significant difference";
    verdicts.rows.push_back({with.name, without.name, names[group], verdict, heed::io::interval(difference)});
  }
}

/// Compares the LSTM with additive attention and the LSTM with a repeat head with the plain LSTM, all other variants
/// with the LSTM with a repeat head. `models` are the baselines, then variants().
inline heed::io::Table all_verdicts(const std::vector<heed::recsys::Measured>& models, std::size_t baselines,
                                    heed::Random random) {
  const auto& lstm = models[baselines];
  const auto& lstm_repeat = models[baselines + 1];
  heed::io::Table verdicts{{"model", "against", "histories", "better", "difference in NDCG@10"}, {}};
  add_verdicts(verdicts, models[baselines + 2], lstm, random);
  for (std::size_t i = baselines + 1; i < models.size(); ++i) {
    if (i != baselines + 2) add_verdicts(verdicts, models[i], i == baselines + 1 ? lstm : lstm_repeat, random);
  }
  return verdicts;
}

/// NDCG@10 of every model, trained on each share of the users and tested on all; `all` were trained on all users.
inline heed::io::Table by_share(const heed::data::Interactions& log, bool next_basket, Limits limits,
                                const std::vector<double>& shares, std::span<const std::uint64_t> seeds,
                                heed::Executor& executor, const std::vector<heed::recsys::Measured>& all) {
  heed::io::Table table{{"model"}, {}};
  std::vector<std::vector<heed::recsys::Measured>> columns;
  for (const double share : shares) {
    limits.learners = share;
    table.header.push_back(heed::io::fixed(100 * share, 0) + " % of users");
    if (share == 1) {
      columns.push_back(all);
      continue;
    }
    std::printf("\nTraining on %.0f %% of the users\n", 100 * share);
    columns.push_back(heed::recsys::measure_baselines(
        heed::recsys::Task(log, {.next_basket = next_basket, .keep_history = limits.keep_history, .learners = share}),
        true));
    for (const Variant& variant : variants()) {
      columns.back().push_back(measure(variant, log, next_basket, limits, seeds, executor));
    }
  }
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    table.rows.push_back({columns.front()[i].name});
    for (const auto& column : columns) {
      table.rows.back().push_back(
          heed::io::fixed(column[i].mean([](const heed::recsys::Evaluation& e) { return e.all.mean().ndcg; }), 4));
    }
  }
  return table;
}

/// NDCG@10 and costs of the models whose names match `which`, for each number of events in `lengths`.
inline heed::io::Table by_length(const heed::data::Interactions& log, bool next_basket, Limits limits,
                                 const std::vector<Index>& lengths, const std::regex& which,
                                 std::span<const std::uint64_t> seeds, heed::Executor& executor) {
  heed::io::Table table{{"model", "events seen", "NDCG@10", "training, s", "scoring, us per user", "MB"}, {}};
  for (const Variant& variant : variants()) {
    if (!std::regex_search(variant.name, which)) continue;
    for (const Index length : lengths) {
      limits.max_length = length;
      const heed::recsys::Measured one = measure(variant, log, next_basket, limits, seeds, executor);
      const auto users = static_cast<double>(one.evaluations.front().users.size());
      table.rows.push_back(
          {one.name, std::to_string(length),
           heed::io::fixed(one.mean([](const heed::recsys::Evaluation& e) { return e.all.mean().ndcg; }), 4),
           heed::io::fixed(one.training_seconds, 1), heed::io::fixed(1e6 * one.scoring_seconds / users, 0),
           heed::io::fixed(one.megabytes, 1)});
    }
  }
  return table;
}
