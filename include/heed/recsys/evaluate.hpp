// SPDX-License-Identifier: Apache-2.0
// Runs a recommender over the held-out part of every user: full ranking over the catalogue.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/split.hpp"
#include "heed/recsys/history.hpp"
#include "heed/recsys/metrics.hpp"

namespace heed::inline HEED_ABI::recsys {

enum class HeldOut { validation, test };
constexpr auto names(HeldOut) { return enum_names("validation", "test"); }

struct EvaluateOptions {
  Index k = 10;
  HeldOut held_out = HeldOut::test;
  /// True: items of the history may be recommended again (last basket). False: they are taken out of the list before it
  /// is cut at k, and are no targets (leave-one-out).
  bool keep_history = true;
  /// The lists are kept up to here, for metrics at other cut-offs and for files; at least k.
  Index depth = 0;

  void fields(auto&& visitor) { visitor("k", k, "held_out", held_out, "keep_history", keep_history, "depth", depth); }
  Index list_length() const { return std::max(k, depth); }
};

/// The outcome, user by user; rows of `all` belong to `users`, `lengths`, `targets` and `lists`.
struct Evaluation {
  std::vector<Index> users;                        ///< the users with a target, ascending
  std::vector<Index> lengths;                      ///< [users] events in their history
  Metrics all;                                     ///< the targets: see for_each_held_out
  Metrics repeats;                                 ///< targets that are in the history, over the users who have one
  Metrics firsts;                                  ///< targets that are not, over the users who have one
  double coverage = 0;                             ///< items recommended to anybody at k / items in the catalogue
  std::vector<std::vector<std::int32_t>> targets;  ///< [users] distinct held-out items, ascending
  std::vector<std::vector<std::int32_t>> lists;    ///< [users] what was recommended, best first, at most list_length
  Index list_length = 0;                           ///< the greatest cut-off that the lists are long enough for

  /// What `all` would be at another cut-off. Throws OptionError unless 1 <= k <= list_length.
  Metrics at(Index k) const {
    if (k > list_length) fail<OptionError>("evaluation", "lists of ", list_length, " cannot be cut at ", k);
    Metrics out;
    for (std::size_t i = 0; i < lists.size(); ++i) out.add(ranking_metrics(lists[i], targets[i], k));
    return out;
  }
};

/// The users of one range of history lengths.
struct LengthGroup {
  Index shortest = 0;  ///< events in the shortest history
  Index longest = 0;   ///< events in the longest
  Metrics metrics;
};

/// Turns a model into the callable that `evaluate` takes: scores the catalogue, ranks by rank_top_k. The model has
/// `num_items()`, `score(history, scores)` and, where ties are not left to the item's number, `tie_keys()`. It must
/// outlive the callable.
template <class Model>
auto ranker(const Model& model) {
  return [&model, scores = std::vector<double>(static_cast<std::size_t>(model.num_items()))](const History& past,
                                                                                             Index k) mutable {
    model.score(past, std::span(scores));
    if constexpr (requires { model.tie_keys(); }) {
      return rank_top_k(scores, k, model.tie_keys());
    } else {
      return rank_top_k(scores, k);
    }
  };
}

namespace detail {

/// Throws IndexError unless the list is one of distinct items.
inline void check_list(std::span<const std::int32_t> list, Index row, std::vector<Index>& last_row) {
  for (const std::int32_t item : list) {
    if (item < 0 || static_cast<std::size_t>(item) >= last_row.size()) {
      fail<IndexError>("evaluate", "item ", item, " was recommended, of ", last_row.size(), " items");
    }
    if (std::exchange(last_row[static_cast<std::size_t>(item)], row) == row) {
      fail<IndexError>("evaluate", "item ", item, " was recommended twice in a list");
    }
  }
}

}  // namespace detail

/// Calls `body(user, past, targets)` for every user who has a target, in the users' order: the history is everything
/// before the held-out events, so a test sees the validation events; the targets are distinct and ascending, and
/// without `keep_history` none of them is in the history. Throws ShapeError when the split is of another log.
template <class Body>
void for_each_held_out(const data::Interactions& log, const data::Split& split, HeldOut held_out, bool keep_history,
                       Body&& body) {
  if (split.num_users() != log.num_users()) {
    fail<ShapeError>("evaluate", "a split of ", split.num_users(), " users for ", log.num_users());
  }
  const bool test = held_out == HeldOut::test;
  const auto& begins = test ? split.validation_end : split.train_end;
  const auto& ends = test ? split.test_end : split.validation_end;
  for (Index u = 0; u < log.num_users(); ++u) {
    const Index begin = begins[static_cast<std::size_t>(u)], end = ends[static_cast<std::size_t>(u)];
    const auto events = log.user(u).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    const History past = history(log, u, begin);
    std::vector<std::int32_t> targets = distinct(events);
    if (!keep_history && !targets.empty()) {
      const auto known = distinct(past.items);
      std::erase_if(targets, [&](std::int32_t item) { return std::binary_search(known.begin(), known.end(), item); });
    }
    if (!targets.empty()) body(u, past, std::move(targets));
  }
}

/// Asks `rank(History, k)` for the best items (distinct, best first, a std::vector<std::int32_t>) of every user of
/// for_each_held_out, and measures the lists at `options.k`. Throws what that throws, and IndexError on a list with
/// repeated or unknown items.
template <class Rank>
Evaluation evaluate(const data::Interactions& log, const data::Split& split, Rank&& rank,
                    const EvaluateOptions& options = {}) {
  Evaluation out;
  out.list_length = options.list_length();
  std::vector<Index> last_row(static_cast<std::size_t>(log.num_items()), -1);  // the last list an item was in
  std::vector<bool> covered(last_row.size());
  const auto measure = [&](Index u, const History& past, std::vector<std::int32_t> targets) {
    const auto known = distinct(past.items);
    const auto is_known = [&](std::int32_t item) { return std::binary_search(known.begin(), known.end(), item); };

    std::vector<std::int32_t> list =
        rank(past, options.keep_history ? out.list_length : out.list_length + std::ssize(known));
    if (!options.keep_history) std::erase_if(list, is_known);
    list.resize(std::min(list.size(), static_cast<std::size_t>(std::max<Index>(out.list_length, 0))));
    detail::check_list(list, std::ssize(out.users), last_row);
    for (Index i = 0; i < std::min(options.k, std::ssize(list)); ++i) {
      covered[static_cast<std::size_t>(list[static_cast<std::size_t>(i)])] = true;
    }

    std::vector<std::int32_t> repeats, firsts;
    std::partition_copy(targets.begin(), targets.end(), std::back_inserter(repeats), std::back_inserter(firsts),
                        is_known);
    out.users.push_back(u);
    out.lengths.push_back(past.size());
    out.all.add(ranking_metrics(list, targets, options.k));
    if (!repeats.empty()) out.repeats.add(ranking_metrics(list, repeats, options.k));
    if (!firsts.empty()) out.firsts.add(ranking_metrics(list, firsts, options.k));
    out.targets.push_back(std::move(targets));
    out.lists.push_back(std::move(list));
  };
  for_each_held_out(log, split, options.held_out, options.keep_history, measure);
  if (!covered.empty()) {
    out.coverage =
        static_cast<double>(std::count(covered.begin(), covered.end(), true)) / static_cast<double>(covered.size());
  }
  return out;
}

/// Short, middle and long histories: cut where a third and two thirds of the evaluated users lie, so that the groups
/// are about equal and the same for every model on this split. Users of equal length are never parted, so a group may
/// be empty.
inline std::array<LengthGroup, 3> by_history_length(const Evaluation& evaluation) {
  std::vector<Index> sorted = evaluation.lengths;
  std::sort(sorted.begin(), sorted.end());
  std::array<LengthGroup, 3> groups;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const Index length = evaluation.lengths[i];
    const std::size_t g = length < sorted[sorted.size() / 3] ? 0 : length < sorted[2 * sorted.size() / 3] ? 1 : 2;
    LengthGroup& group = groups[g];
    group.shortest = group.metrics.size() == 0 ? length : std::min(group.shortest, length);
    group.longest = std::max(group.longest, length);
    group.metrics.add(evaluation.all.at(i));
  }
  return groups;
}

}  // namespace heed::inline HEED_ABI::recsys
