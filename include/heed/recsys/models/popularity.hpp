// SPDX-License-Identifier: Apache-2.0
// Ranks items by popularity: the same list for all users.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <tuple>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/vocabulary.hpp"
#include "heed/recsys/ranker.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Ranks items by number of occurrences. Order: count, then the selected tie-break.
class Popularity {
 public:
  /// The tie-break between items of equal count: the smaller text (see data::places_by_text), which does not depend on
  /// the order of a file's lines; or the first occurrence, by user, then oldest event first (as most_common of Python's
  /// Counter), then the smaller id.
  enum class Then { text, first };

  /// Counts the first `ends[u]` events of every user u (`ends` is a column of a Split: train_end, or validation_end).
  /// Throws ShapeError when `ends` does not have one entry per user.
  Popularity(const data::Interactions& log, std::span<const Index> ends, Then then = Then::text)
      : counts_(static_cast<std::size_t>(log.num_items())), places_(counts_.size()) {
    if (static_cast<Index>(ends.size()) != log.num_users()) {
      fail<ShapeError>("popularity", "wanted ", log.num_users(), " ends, got ", ends.size());
    }
    std::vector<std::int32_t> second(counts_.size(), std::numeric_limits<std::int32_t>::max());
    std::int32_t counted = 0;
    for (data::Id u = 0; u < log.num_users(); ++u) {
      for (const data::Id item : log.user(u).first(ends[static_cast<std::size_t>(u)]).items) {
        const auto i = static_cast<std::size_t>(item);
        if (counts_[i]++ == 0) second[i] = counted++;
      }
    }
    if (then == Then::text) second = data::places_by_text(log.catalogue.items);
    place(second);
  }

  /// Takes the counts of a catalogue, as a model file has them. Order: count, then the smaller text. Throws ShapeError
  /// when they do not have one entry per item.
  explicit Popularity(const data::Catalogue& catalogue) : counts_(catalogue.counts), places_(counts_.size()) {
    if (std::ssize(counts_) != catalogue.num_items()) {
      fail<ShapeError>("popularity", "wanted ", catalogue.num_items(), " counts, got ", counts_.size());
    }
    place(data::places_by_text(catalogue.items));
  }

  Index num_items() const { return static_cast<Index>(counts_.size()); }

  /// Returns the rank of every item, 0 for the most popular: a total order, used by other models to break ties.
  std::span<const std::int32_t> tie_keys() const { return places_; }

  /// Writes a score per item, higher is better; `scores` [items]. The history is not used. Throws ShapeError on another
  /// size.
  void score(const data::History&, std::span<double> scores) const {
    check_scores("popularity", scores, num_items());
    std::transform(counts_.begin(), counts_.end(), scores.begin(), [](Index n) { return static_cast<double>(n); });
  }

  /// Returns the k most popular items; fewer if there are not enough.
  std::vector<data::Id> top(Index k) const {
    std::vector<data::Id> out(static_cast<std::size_t>(std::clamp<Index>(k, 0, num_items())));
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const auto place = static_cast<std::size_t>(places_[i]);
      if (place < out.size()) out[place] = static_cast<data::Id>(i);
    }
    return out;
  }

 private:
  /// Sets the places by count, then by `second`, then by id.
  void place(const std::vector<std::int32_t>& second) {
    std::vector<data::Id> order(counts_.size());
    std::iota(order.begin(), order.end(), 0);
    const auto key = [&](data::Id item) {
      const auto i = static_cast<std::size_t>(item);
      return std::tuple(-counts_[i], second[i], item);
    };
    std::sort(order.begin(), order.end(), [&](data::Id a, data::Id b) { return key(a) < key(b); });
    for (std::size_t i = 0; i < order.size(); ++i) {
      places_[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
    }
  }

  std::vector<Index> counts_;         // [items]
  std::vector<std::int32_t> places_;  // [items]
};
constexpr auto names(Popularity::Then) { return enum_names("text", "first"); }

}  // namespace heed::inline HEED_ABI::recsys
