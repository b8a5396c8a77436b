// SPDX-License-Identifier: Apache-2.0
// Evaluates a recommender on the held-out events of every user: full ranking over the catalogue.
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
#include "heed/recsys/metrics.hpp"
#include "heed/recsys/ranker.hpp"

namespace heed::inline HEED_ABI::recsys {

enum class HeldOut { validation, test };
constexpr auto names(HeldOut) { return enum_names("validation", "test"); }

struct EvaluateOptions {
  Index k = 10;
  HeldOut held_out = HeldOut::test;
  /// True: items of the history may be recommended again. False: they are excluded from the candidates and from the
  /// targets.
  bool keep_history = true;
  /// Length of the stored lists, for metrics at other cut-offs and for files; at least k.
  Index depth = 0;

  void fields(auto&& visitor) { visitor("k", k, "held_out", held_out, "keep_history", keep_history, "depth", depth); }
  Index list_length() const { return std::max(k, depth); }
};

/// The result per user; rows of `all` correspond to `users`, `lengths`, `targets` and `lists`.
struct Evaluation {
  std::vector<data::Id> users;                 ///< the users with a target, ascending
  std::vector<Index> lengths;                  ///< [users] events in their history
  Metrics all;                                 ///< all targets: see for_each_held_out
  Metrics repeats;                             ///< targets that are in the history, over the users with such a target
  Metrics firsts;                              ///< targets that are not, over the users with such a target
  double coverage = 0;                         ///< items recommended to any user at k / items in the catalogue
  std::vector<std::vector<data::Id>> targets;  ///< [users] distinct held-out items, ascending
  std::vector<std::vector<data::Id>> lists;    ///< [users] recommended items, best first, at most list_length
  Index list_length = 0;                       ///< the largest valid cut-off

  /// Returns `all` at another cut-off. Throws OptionError unless 1 <= k <= list_length.
  Metrics at(Index k) const {
    if (k > list_length) fail<OptionError>("evaluation", "lists of ", list_length, " cannot be cut at ", k);
    Metrics out;
    for (std::size_t i = 0; i < lists.size(); ++i) out.add(ranking_metrics(lists[i], targets[i], k));
    return out;
  }
};

/// The users in a range of history lengths.
struct LengthGroup {
  Index shortest = 0;  ///< events in the shortest history
  Index longest = 0;   ///< events in the longest
  Metrics metrics;
};

/// A user with held-out items.
struct HeldOutUser {
  data::History past;             ///< all events before the held-out ones: for tests, including the validation events
  std::vector<data::Id> targets;  ///< distinct and ascending
};

/// Calls `body(HeldOutUser)` for every user with a target, in the order of users. Without `keep_history` items of the
/// history are not targets. Histories are views of `log`. Throws ShapeError when `split` has another number of users.
template <class Body>
void for_each_held_out(const data::Interactions& log, const data::Split& split, HeldOut held_out, bool keep_history,
                       Body&& body) {
  if (split.num_users() != log.num_users()) {
    fail<ShapeError>("evaluate", "a split of ", split.num_users(), " users for a log of ", log.num_users());
  }
  const bool test = held_out == HeldOut::test;
  const auto& begins = test ? split.validation_end : split.train_end;
  const auto& ends = test ? split.test_end : split.validation_end;
  for (data::Id u = 0; u < log.num_users(); ++u) {
    const Index begin = begins[static_cast<std::size_t>(u)], end = ends[static_cast<std::size_t>(u)];
    const data::History events = log.user(u), past = events.first(begin);
    std::vector<data::Id> targets = data::distinct(events.slice(begin, end).items);
    if (!keep_history && !targets.empty()) {
      const auto known = data::distinct(past.items);
      std::erase_if(targets, [&](data::Id item) { return std::binary_search(known.begin(), known.end(), item); });
    }
    targets.shrink_to_fit();
    if (!targets.empty()) body(HeldOutUser{past, std::move(targets)});
  }
}

namespace detail {

/// Computes metrics of recommended lists, a few users at a time.
class Evaluator {
 public:
  Evaluator(Index num_items, const EvaluateOptions& options)
      : options_(options), last_row_(static_cast<std::size_t>(num_items), -1), covered_(last_row_.size()) {
    out_.list_length = options.list_length();
  }

  /// Throws IndexError for a list that the options do not allow.
  void add(HeldOutUser user, std::vector<data::Id> list) {
    const auto known = data::distinct(user.past.items);
    const auto is_known = [&](data::Id item) { return std::binary_search(known.begin(), known.end(), item); };
    check(list);
    if (!options_.keep_history && std::ranges::any_of(list, is_known)) {
      fail<IndexError>("evaluate", "an item of user ", user.past.user, "'s history was recommended");
    }
    for (Index i = 0; i < std::min(options_.k, std::ssize(list)); ++i) {
      covered_[static_cast<std::size_t>(list[static_cast<std::size_t>(i)])] = true;
    }
    std::vector<data::Id> repeats, firsts;
    std::partition_copy(user.targets.begin(), user.targets.end(), std::back_inserter(repeats),
                        std::back_inserter(firsts), is_known);
    out_.users.push_back(user.past.user);
    out_.lengths.push_back(user.past.size());
    out_.all.add(ranking_metrics(list, user.targets, options_.k));
    if (!repeats.empty()) out_.repeats.add(ranking_metrics(list, repeats, options_.k));
    if (!firsts.empty()) out_.firsts.add(ranking_metrics(list, firsts, options_.k));
    out_.targets.push_back(std::move(user.targets));
    out_.lists.push_back(std::move(list));
  }

  Evaluation finish() && {
    if (!covered_.empty()) {
      out_.coverage = static_cast<double>(std::count(covered_.begin(), covered_.end(), true)) /
                      static_cast<double>(covered_.size());
    }
    return std::move(out_);
  }

 private:
  void check(std::span<const data::Id> list) {
    const Index row = std::ssize(out_.users);
    if (std::ssize(list) > std::max<Index>(out_.list_length, 0)) {
      fail<IndexError>("evaluate", "a list of ", list.size(), " items, wanted ", out_.list_length, " at most");
    }
    for (const data::Id item : list) {
      if (item < 0 || static_cast<std::size_t>(item) >= last_row_.size()) {
        fail<IndexError>("evaluate", "item ", item, " was recommended from a catalogue of ", last_row_.size());
      }
      if (std::exchange(last_row_[static_cast<std::size_t>(item)], row) == row) {
        fail<IndexError>("evaluate", "item ", item, " was recommended twice in a list");
      }
    }
  }

  EvaluateOptions options_;
  Evaluation out_;
  std::vector<Index> last_row_;  // [items] the last list that contained the item
  std::vector<bool> covered_;    // [items]
};

}  // namespace detail

/// Ranks the catalogue with `ranker` for every user of for_each_held_out, a block of users per call, and computes the
/// metrics at `options.k`. Memory is proportional to users times list length. Throws what for_each_held_out throws,
/// ShapeError unless there is a list per user, and IndexError on a list that is too long or has repeated or unknown
/// items or, without `keep_history`, items of the history.
template <Ranker R>
Evaluation evaluate(const data::Interactions& log, const data::Split& split, R&& ranker,
                    const EvaluateOptions& options = {}) {
  constexpr std::size_t block = 1024;  // users
  detail::Evaluator evaluator(log.num_items(), options);
  std::vector<HeldOutUser> users;
  std::vector<data::History> histories;
  const auto rank = [&] {
    const RankOptions rank_options{.k = options.list_length(), .keep_history = options.keep_history};
    std::vector<std::vector<data::Id>> lists = ranker(histories, rank_options);
    if (lists.size() != users.size()) {
      fail<ShapeError>("evaluate", "wanted a list for each of ", users.size(), " users, got ", lists.size());
    }
    for (std::size_t i = 0; i < users.size(); ++i) evaluator.add(std::move(users[i]), std::move(lists[i]));
    users.clear();
    histories.clear();
  };
  for_each_held_out(log, split, options.held_out, options.keep_history, [&](HeldOutUser user) {
    histories.push_back(user.past);
    users.push_back(std::move(user));
    if (users.size() == block) rank();
  });
  if (!users.empty()) rank();
  return std::move(evaluator).finish();
}

/// Splits the evaluated users into those with short, middle and long histories, at one and two thirds of the users, so
/// that the groups are about equal and the same for every model on this split. Users with equal lengths are in the same
/// group, so a group may be empty.
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
