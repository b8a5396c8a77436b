// SPDX-License-Identifier: Apache-2.0
// The tables of train and evaluate: a model and the baselines on the test events.
#pragma once

#include <cstdio>
#include <heed/io/comparison.hpp>
#include <heed/io/report.hpp>
#include <string>
#include <vector>

/// Prints the metrics of all models and the differences of `model` to each baseline; adds them to `report` if given.
inline void show_test(const std::vector<heed::recsys::Measured>& baselines, const heed::recsys::Measured& model,
                      heed::Index k, std::uint64_t seed, heed::io::Report* report) {
  auto all = baselines;
  all.push_back(model);
  const auto metrics = heed::io::metrics_table(all, k);
  const auto users = model.evaluations.front().users.size();
  std::printf("\nTest, %zu users:\n%s", users, metrics.text().c_str());
  if (report != nullptr) {
    report->heading("Test").table("Means over " + std::to_string(users) + " users, full ranking", metrics);
  }
  if (users < 2) return;
  const auto differences = heed::io::differences_table(model, baselines, k, heed::Random(seed).fork("bootstrap"));
  std::printf("\nDifferences with 95 %% intervals (paired bootstrap over users):\n%s", differences.text().c_str());
  if (report != nullptr) report->table("Differences with 95 % intervals, paired bootstrap over users", differences);
}
