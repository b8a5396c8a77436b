// SPDX-License-Identifier: Apache-2.0
// One customer: history, recommendations and attention weights.
#pragma once

#include <algorithm>
#include <cstdio>
#include <heed/io/recommender.hpp>
#include <heed/io/report.hpp>
#include <heed/recsys/deletion_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "words.hpp"

using Model = heed::recsys::AnyRecommender<float>;
using heed::Index;
using heed::data::History;
using heed::data::Interactions;

inline heed::recsys::ExplainOptions explain_options(const heed::recsys::TaskOptions& task, Index k) {
  return {.k = k, .max_length = task.max_length, .keep_history = task.keeps_history()};
}

inline void print_history(const Interactions& log, const History& past) {
  constexpr Index most_baskets = 3, most_items = 4;
  std::printf("  history (%td items):\n", past.size());
  Index end = past.size();
  for (Index shown = 0; end > 0 && shown < most_baskets; ++shown) {
    const Index begin = heed::data::basket_begin(past.times, end);
    const auto date = [&] { return date_of(past.times[static_cast<std::size_t>(begin)], past.time_unit) + "  "; };
    std::printf("    %s", past.times.empty() ? "" : date().c_str());
    for (Index i = begin; i < std::min(end, begin + most_items); ++i) {
      std::printf("%s%s", i == begin ? "" : "; ", shown_name(log, past.items[static_cast<std::size_t>(i)]).c_str());
    }
    std::printf(end - begin > most_items ? "; and %td more\n" : "\n", end - begin - most_items);
    end = begin;
  }
  if (end > 0) std::printf("    and %td items before\n", end);
}

inline void print_recommendations(const Interactions& log, const heed::recsys::Explanation& why) {
  std::printf("  recommended:\n");
  for (std::size_t i = 0; i < why.top.size(); ++i) {
    const auto& [item, score, repeat] = why.top[i];
    std::printf("    %2zu. %-36s  p %.4f, %3.0f %% of it for purchases before\n", i + 1, shown_name(log, item).c_str(),
                score, score > 0 ? 100 * repeat / score : 0.0);
  }
}

inline void print_reasons(const Interactions& log, const History& past, const heed::recsys::Explanation& why,
                          Index most) {
  const auto weighed = heed::recsys::weighed_items(past, why);
  if (weighed.empty()) {
    std::printf(past.size() == 0 ? "  the history is empty\n" : "  this model has no attention weights\n");
    return;
  }
  std::printf("  the attention weighed most:\n");
  for (std::size_t i = 0; i < std::min(weighed.size(), static_cast<std::size_t>(most)); ++i) {
    std::printf("    %5.1f %%  %s%s\n", 100 * weighed[i].weight, shown_name(log, weighed[i].item).c_str(),
                weighed[i].count > 1 ? (" (" + std::to_string(weighed[i].count) + " times)").c_str() : "");
  }
}

/// Returns the attention weights at the end of each of the last baskets, for the items with the largest weights.
inline heed::io::HeatMap attention_over_time(const Model& model, heed::Tape<float>& tape, const Interactions& log,
                                             const History& past, const heed::recsys::TaskOptions& task,
                                             const std::string& title) {
  constexpr std::size_t most_baskets = 10, most_items = 20;
  std::vector<Index> ends;
  for (Index end = past.size(); end > 0 && ends.size() < most_baskets;
       end = heed::data::basket_begin(past.times, end)) {
    ends.insert(ends.begin(), end);
  }
  std::map<heed::data::Id, std::vector<double>> rows;  // an item's weight at each of the ends
  heed::io::HeatMap map{.title = title, .keys = {}, .queries = {}, .weights = {}};
  for (std::size_t q = 0; q < ends.size(); ++q) {
    const auto n = static_cast<std::size_t>(ends[q]);
    const History then = past.first(ends[q]);
    const auto why = heed::recsys::explain(model, tape, then, explain_options(task, 1));
    for (const auto& [item, weight, count] : heed::recsys::weighed_items(then, why)) {
      rows.try_emplace(item, ends.size(), 0.0).first->second[q] = weight;
    }
    map.queries.push_back(past.times.empty() ? "after " + std::to_string(n) + " items"
                                             : "after " + date_of(past.times[n - 1], past.time_unit));
  }
  std::vector<std::pair<double, heed::data::Id>> order;
  for (const auto& [item, weights] : rows) order.push_back({-*std::max_element(weights.begin(), weights.end()), item});
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), most_items));
  for (const auto& [weight, item] : order) map.keys.push_back(name_of(log, item));
  for (std::size_t q = 0; q < ends.size(); ++q) {
    for (const auto& [weight, item] : order) map.weights.push_back(rows.at(item)[q]);
  }
  return map;
}

/// Deletion test of the explanations: deletes the item with the largest attention weight, and another item.
inline void print_deletion_test(const Model& model, heed::Tape<float>& tape, std::span<const History> pasts,
                                const heed::recsys::TaskOptions& task, heed::Random random) {
  const auto [histories, most_weighed, other, difference] =
      heed::recsys::deletion_test(model, tape, pasts, random, explain_options(task, 10));
  if (histories == 0) return;
  std::printf(
      "Deleting the item with the largest attention weight changes the scores of the top 10 by %.4f in total,\n"
      "deleting another item by %.4f",
      most_weighed, other);
  if (histories > 1) {
    const auto [mean, low, high] = difference;
    std::printf(" (mean of %td histories; difference %.4f, 95 %% interval %.4f to %.4f)", histories, mean, low, high);
  }
  std::printf(".\n");
}
