// SPDX-License-Identifier: Apache-2.0
// TIFU-KNN: personal item frequencies with time decay, and those of similar users; the baseline for next baskets.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/interactions.hpp"
#include "heed/recsys/models/popularity.hpp"
#include "heed/recsys/ranker.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The defaults are those published for TaFeng; for Dunnhumby: 900 neighbours, rates 0.9 and 0.6, 3 groups, alpha 0.2
/// (as reported by other users of the authors' code; not checked against the paper).
struct TifuKnnOptions {
  Index num_neighbors = 300;
  double within_decay_rate = 0.9;  ///< per basket back in time, within a group
  double group_decay_rate = 0.7;   ///< per group back in time
  Index num_groups = 7;            ///< number of groups of a user's baskets, in time order
  double alpha = 0.7;              ///< weight of the user's own vector; the rest is the neighbours'

  void fields(auto&& visitor) {
    visitor("num_neighbors", num_neighbors, "within_decay_rate", within_decay_rate, "group_decay_rate",
            group_decay_rate, "num_groups", num_groups, "alpha", alpha);
  }
};

/// TIFU-KNN (Hu et al., "Modeling personalized item frequency information for next-basket recommendation", SIGIR 2020).
///
/// A user's vector [items] is the mean over groups g of group_decay_rate^(groups after g) times the mean over the
/// group's baskets b of within_decay_rate^(baskets after b in g) [item in b]. If the number of baskets is not
/// divisible, the later groups have one more; with fewer baskets than groups each basket is a group. (In the authors'
/// code the decay within groups runs over the whole history.) score = alpha * own vector + (1 - alpha) * mean vector of
/// the num_neighbors nearest other users by Euclidean distance. Order: score, then popularity.
class TifuKnn {
 public:
  /// Stores the vectors of all users from their first `ends[u]` events. Errors as Popularity, and OptionError on
  /// options out of range.
  TifuKnn(const data::Interactions& log, std::span<const Index> ends, const TifuKnnOptions& options = {})
      : options_(options), popularity_(log, ends), users_with_(static_cast<std::size_t>(log.num_items())) {
    const auto share = [](double value) { return value >= 0 && value <= 1; };
    if (options.num_neighbors < 0 || options.num_groups < 1 || !share(options.within_decay_rate) ||
        !share(options.group_decay_rate) || !share(options.alpha)) {
      fail<OptionError>("tifu_knn", "num_neighbors ", options.num_neighbors, ", within_decay_rate ",
                        options.within_decay_rate, ", group_decay_rate ", options.group_decay_rate, ", num_groups ",
                        options.num_groups, ", alpha ", options.alpha);
    }
    for (data::Id u = 0; u < log.num_users(); ++u) {
      const auto vector = vector_of(log.user(u).first(ends[static_cast<std::size_t>(u)]));
      for (const Entry& entry : vector) {
        users_with_[static_cast<std::size_t>(entry.item)].push_back({u, entry.value});
      }
      entries_.insert(entries_.end(), vector.begin(), vector.end());
      entry_ends_.push_back(entries_.size());
      squares_.push_back(sum_of_squares(vector));
    }
  }

  Index num_items() const { return popularity_.num_items(); }
  std::span<const std::int32_t> tie_keys() const { return popularity_.tie_keys(); }

  /// Writes a score per item; `scores` [items]. `past.user` and users without events are excluded from the neighbours.
  /// Throws ShapeError on another size.
  void score(const data::History& past, std::span<double> scores) const {
    check_scores("tifu_knn", scores, num_items());
    std::fill(scores.begin(), scores.end(), 0.0);
    const auto own = vector_of(past);
    for (const Entry& entry : own) scores[static_cast<std::size_t>(entry.item)] = options_.alpha * entry.value;
    const auto near = neighbors(own, past.user);
    const double weight = near.empty() ? 0 : (1 - options_.alpha) / static_cast<double>(near.size());
    for (const data::Id u : near) {
      for (const Entry& entry : vector(u)) scores[static_cast<std::size_t>(entry.item)] += weight * entry.value;
    }
  }

 private:
  struct Entry {
    data::Id item;
    double value;
  };
  struct Owner {
    data::Id user;
    double value;
  };

  /// Returns the vector of a history, ascending by item, without zeros.
  std::vector<Entry> vector_of(const data::History& past) const {
    std::vector<Entry> parts;
    std::vector<Index> begins;
    for (Index at = 0; at < past.size(); at = data::basket_end(past.times, past.size(), at)) begins.push_back(at);
    const Index baskets = std::ssize(begins), groups = std::min(options_.num_groups, baskets);
    begins.push_back(past.size());
    Index basket = 0;
    for (Index g = 0; g < groups; ++g) {
      const Index size = baskets / groups + (g >= groups - baskets % groups ? 1 : 0);
      double value =
          std::pow(options_.group_decay_rate, static_cast<double>(groups - 1 - g)) / static_cast<double>(groups * size);
      for (Index b = basket + size - 1; b >= basket; --b, value *= options_.within_decay_rate) {
        const auto at = static_cast<std::size_t>(b);
        const auto basket_items = past.slice(begins[at], begins[at + 1]).items;
        for (const data::Id item : data::distinct(basket_items)) parts.push_back({item, value});
      }
      basket += size;
    }
    std::stable_sort(parts.begin(), parts.end(), [](const Entry& a, const Entry& b) { return a.item < b.item; });
    std::vector<Entry> out;
    for (const Entry& part : parts) {
      if (out.empty() || out.back().item != part.item) {
        out.push_back(part);
      } else {
        out.back().value += part.value;
      }
    }
    return out;
  }

  std::span<const Entry> vector(data::Id user) const {
    const auto u = static_cast<std::size_t>(user);
    const std::size_t begin = u == 0 ? 0 : entry_ends_[u - 1];
    return std::span(entries_).subspan(begin, entry_ends_[u] - begin);
  }

  static double sum_of_squares(std::span<const Entry> vector) {
    double sum = 0;
    for (const Entry& entry : vector) sum += entry.value * entry.value;
    return sum;
  }

  /// Returns the nearest users, nearest first, equal distances by smaller id. |u - v|^2 - |u|^2 = |v|^2 - 2 u v, where
  /// only users with a common item contribute to u v.
  std::vector<data::Id> neighbors(std::span<const Entry> own, data::Id user) const {
    std::vector<double> distance = squares_;
    for (const Entry& entry : own) {
      for (const Owner& owner : users_with_[static_cast<std::size_t>(entry.item)]) {
        distance[static_cast<std::size_t>(owner.user)] -= 2 * entry.value * owner.value;
      }
    }
    std::vector<data::Id> near;
    for (data::Id u = 0; u < std::ssize(distance); ++u) {
      if (u != user && !vector(u).empty()) near.push_back(u);
    }
    const auto before = [&](data::Id a, data::Id b) {
      return std::pair(distance[static_cast<std::size_t>(a)], a) < std::pair(distance[static_cast<std::size_t>(b)], b);
    };
    const Index kept = std::min(options_.num_neighbors, std::ssize(near));
    std::partial_sort(near.begin(), near.begin() + kept, near.end(), before);
    near.resize(static_cast<std::size_t>(kept));
    return near;
  }

  TifuKnnOptions options_;
  Popularity popularity_;
  std::vector<Entry> entries_;                  // the users' vectors, concatenated
  std::vector<std::size_t> entry_ends_;         // [users] end of each vector
  std::vector<double> squares_;                 // [users] squared norms
  std::vector<std::vector<Owner>> users_with_;  // [items] the same entries by item
};

}  // namespace heed::inline HEED_ABI::recsys
