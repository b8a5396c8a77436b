// SPDX-License-Identifier: Apache-2.0
// The tables of a comparison: metrics of every model, and differences with confidence intervals.
#pragma once

#include <string>
#include <vector>

#include "heed/io/table.hpp"
#include "heed/recsys/bootstrap.hpp"
#include "heed/recsys/comparison.hpp"

namespace heed::inline HEED_ABI::io {

/// A row per model: metrics at `k` over all targets, and NDCG over repeats (items of the history) and over new items.
inline Table metrics_table(const std::vector<recsys::Measured>& models, Index k) {
  using recsys::Evaluation;
  const auto at_k = [&](std::string metric) { return metric + "@" + std::to_string(k); };
  Table table{{"model", at_k("HitRate"), at_k("Recall"), at_k("NDCG"), "MRR", "coverage", "NDCG repeat", "NDCG new"},
              {}};
  for (const recsys::Measured& model : models) {
    const auto cell = [&](auto figure) { return fixed(model.mean(figure), 4); };
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

/// Formats a difference as `+0.0042 [0.0002, 0.0082]`.
inline std::string interval(const recsys::MeanDifference& difference) {
  return (difference.mean < 0 ? "" : "+") + fixed(difference.mean, 4) + " [" + fixed(difference.low, 4) + ", " +
         fixed(difference.high, 4) + "]";
}

/// The differences of `model` to each of `others` in NDCG and recall, with intervals of a paired bootstrap over users.
/// Throws ShapeError when the numbers of users differ.
inline Table differences_table(const recsys::Measured& model, const std::vector<recsys::Measured>& others, Index k,
                               Random random) {
  using recsys::Metrics;
  Table table{{model.name + " minus", "NDCG@" + std::to_string(k), "Recall@" + std::to_string(k)}, {}};
  for (const recsys::Measured& other : others) {
    const auto cell = [&](std::vector<double> Metrics::*column) {
      return interval(recsys::paired_bootstrap(model.per_user(column), other.per_user(column), random));
    };
    table.rows.push_back({other.name, cell(&Metrics::ndcg), cell(&Metrics::recall)});
  }
  return table;
}

}  // namespace heed::inline HEED_ABI::io
