// SPDX-License-Identifier: Apache-2.0
// A first-order Markov chain over all users, from basket to basket or from event to event.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/data/interactions.hpp"
#include "heed/recsys/models/popularity.hpp"
#include "heed/recsys/ranker.hpp"

namespace heed::inline HEED_ABI::recsys {

struct MarkovOptions {
  /// True: from each basket to the next. False: from each event to the next, whatever their times.
  bool baskets = true;
  /// The tie-break between items of equal score and popularity.
  Popularity::Then then = Popularity::Then::text;

  void fields(auto&& visitor) { visitor("baskets", baskets, "then", then); }
};

/// score(j) = mean over the distinct items i of the last basket of n(i -> j) / n(i), where n(i) counts the steps from a
/// basket with i, and n(i -> j) those of them to a basket with j. Order: score, then popularity.
class Markov {
 public:
  /// Counts the steps between the first `ends[u]` events of every user u. Errors as Popularity.
  Markov(const data::Interactions& log, std::span<const Index> ends, const MarkovOptions& options = {})
      : options_(options), popularity_(log, ends, options.then), row_ends_(static_cast<std::size_t>(log.num_items())) {
    // All steps, and for each item the steps from it. Each basket is stored in `items` once, without duplicates.
    std::vector<data::Id> items, basket;
    std::vector<Step> steps;
    std::vector<std::vector<std::size_t>> leaving(row_ends_.size());
    for (data::Id u = 0; u < log.num_users(); ++u) {
      const data::History past = view(log.user(u).first(ends[static_cast<std::size_t>(u)]));
      basket.clear();
      for (Index begin = 0; begin < past.size();) {
        const Index end = data::basket_end(past.times, past.size(), begin);
        for (const data::Id i : basket) leaving[static_cast<std::size_t>(i)].push_back(steps.size());
        const bool first = basket.empty();
        basket = data::distinct(past.slice(begin, end).items);
        if (!first) {
          steps.push_back({items.size(), items.size() + basket.size()});
          items.insert(items.end(), basket.begin(), basket.end());
        }
        begin = end;
      }
    }
    // One row at a time, in a dense counter of which only the touched entries are read and cleared.
    std::vector<std::int32_t> count(row_ends_.size());
    std::vector<data::Id> touched;
    for (std::size_t i = 0; i < row_ends_.size(); ++i) {
      for (const std::size_t step : leaving[i]) {
        for (std::size_t at = steps[step].begin; at < steps[step].end; ++at) {
          if (count[static_cast<std::size_t>(items[at])]++ == 0) touched.push_back(items[at]);
        }
      }
      for (const data::Id j : touched) {
        targets_.push_back(j);
        counts_.push_back(std::exchange(count[static_cast<std::size_t>(j)], 0));
      }
      touched.clear();
      leaving_.push_back(static_cast<double>(leaving[i].size()));
      row_ends_[i] = targets_.size();
    }
  }

  Index num_items() const { return popularity_.num_items(); }
  std::span<const std::int32_t> tie_keys() const { return popularity_.tie_keys(); }

  /// Writes scores [items] in [0, 1]; all 0 for an empty history. Throws ShapeError on another size.
  void score(const data::History& whole, std::span<double> scores) const {
    check_scores("markov", scores, num_items());
    std::fill(scores.begin(), scores.end(), 0.0);
    if (whole.items.empty()) return;
    const data::History past = view(whole);
    const auto basket = data::distinct(past.slice(data::basket_begin(past.times, past.size()), past.size()).items);
    for (const data::Id item : basket) {
      const auto i = static_cast<std::size_t>(item);
      for (std::size_t at = i == 0 ? 0 : row_ends_[i - 1]; at < row_ends_[i]; ++at) {
        scores[static_cast<std::size_t>(targets_[at])] += counts_[at] / leaving_[i];
      }
    }
    for (double& score : scores) score /= static_cast<double>(basket.size());
  }

 private:
  struct Step {  // the next basket, as a range of the constructor's items
    std::size_t begin, end;
  };

  /// Without times every event is a basket.
  data::History view(data::History past) const {
    if (!options_.baskets) past.times = {};
    return past;
  }

  MarkovOptions options_;
  Popularity popularity_;
  std::vector<std::size_t> row_ends_;  // [items] end of row i in the two arrays below
  std::vector<data::Id> targets_;      // j of each n(i -> j) > 0
  std::vector<std::int32_t> counts_;   // n(i -> j) of the same entries
  std::vector<double> leaving_;        // [items] n(i)
};

}  // namespace heed::inline HEED_ABI::recsys
