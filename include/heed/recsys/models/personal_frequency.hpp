// SPDX-License-Identifier: Apache-2.0
// Ranks the items that a user takes most often: the baseline for repeat purchases.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/data/interactions.hpp"
#include "heed/recsys/models/markov.hpp"
#include "heed/recsys/models/popularity.hpp"
#include "heed/recsys/ranker.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Ranks items by their count in the user's own history. Order: count, then recency or Markov score if selected, then
/// popularity.
class PersonalFrequency {
 public:
  /// The tie-break between items of equal count, before popularity. Recency: the later last event.
  enum class Then { popularity, recency };

  /// `popularity` must outlive this.
  explicit PersonalFrequency(const Popularity& popularity, Then then = Then::popularity)
      : then_(then), tie_keys_(popularity.tie_keys()) {}
  explicit PersonalFrequency(const Popularity&&, Then = Then::popularity) = delete;
  /// Breaks ties of equal count by the Markov score. `markov` must outlive this.
  explicit PersonalFrequency(const Markov& markov) : markov_(&markov), tie_keys_(markov.tie_keys()) {}
  explicit PersonalFrequency(const Markov&&) = delete;

  Index num_items() const { return static_cast<Index>(tie_keys_.size()); }
  std::span<const std::int32_t> tie_keys() const { return tie_keys_; }

  /// Writes a score per item; `scores` [items]. Items outside the history have the Markov score (at most 1), or 0;
  /// those in it have integers from 2 on, which are exact, unlike a weighted sum. Throws ShapeError on another size.
  void score(const data::History& past, std::span<double> scores) const {
    check_scores("personal_frequency", scores, num_items());
    if (markov_ != nullptr) {
      markov_->score(past, scores);
    } else {
      std::fill(scores.begin(), scores.end(), 0.0);
    }
    std::vector<Index> count(scores.size());
    std::vector<double> second(scores.size());  // the tie-break between equal counts
    for (Index begin = 0, end = 0; begin < past.size(); begin = end) {
      end = data::basket_end(past.times, past.size(), begin);
      for (Index at = begin; at < end; ++at) {
        const auto item = static_cast<std::size_t>(past.items[static_cast<std::size_t>(at)]);
        ++count[item];
        if (then_ == Then::recency) second[item] = static_cast<double>(begin);
      }
    }
    if (markov_ != nullptr) std::copy(scores.begin(), scores.end(), second.begin());
    std::vector<data::Id> seen = data::distinct(past.items);
    const auto key = [&](data::Id item) {
      return std::pair(count[static_cast<std::size_t>(item)], second[static_cast<std::size_t>(item)]);
    };
    std::sort(seen.begin(), seen.end(), [&](data::Id a, data::Id b) { return key(a) < key(b); });
    double step = 2;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (i > 0 && key(seen[i - 1]) < key(seen[i])) ++step;
      scores[static_cast<std::size_t>(seen[i])] = step;
    }
  }

 private:
  const Markov* markov_ = nullptr;
  Then then_ = Then::popularity;
  std::span<const std::int32_t> tie_keys_;
};

}  // namespace heed::inline HEED_ABI::recsys
