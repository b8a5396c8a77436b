// SPDX-License-Identifier: Apache-2.0
// The events of one user: the input of a recommender.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/time.hpp"
#include "heed/data/vocabulary.hpp"

namespace heed::inline HEED_ABI::data {

/// Returns the end of the basket that starts at event `begin` of a user's `size` events. A basket is a run of events of
/// equal time; without times (`times` empty) every event is a basket.
inline Index basket_end(std::span<const std::int64_t> times, Index size, Index begin) {
  Index end = begin + 1;
  if (times.empty()) return end;
  while (end < size && times[static_cast<std::size_t>(end)] == times[static_cast<std::size_t>(begin)]) ++end;
  return end;
}

/// Returns the start of the basket that ends before event `end`; see basket_end.
inline Index basket_begin(std::span<const std::int64_t> times, Index end) {
  Index begin = end - 1;
  if (times.empty()) return begin;
  while (begin > 0 && times[static_cast<std::size_t>(begin - 1)] == times[static_cast<std::size_t>(end - 1)]) --begin;
  return begin;
}

/// Returns the distinct values in ascending order.
inline std::vector<Id> distinct(std::span<const Id> ids) {
  std::vector<Id> out(ids.begin(), ids.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

struct Events;

/// The events of one user, oldest first: a view of memory owned by an Interactions, an Events or the caller. Events of
/// equal time form one basket; without times every event is a basket.
struct History {
  Id user = Vocabulary::unknown;          ///< the user's id in the log; unknown for a user outside the log
  std::span<const Id> items{};            ///< [events]
  std::span<const std::int64_t> times{};  ///< [events], or empty when unknown
  std::span<const Id> kinds{};            ///< [events], or empty when unknown
  TimeUnit time_unit{};                   ///< of `times`

  Index size() const { return std::ssize(items); }
  bool empty() const { return items.empty(); }

  /// Returns events [begin, end). Throws IndexError unless 0 <= begin <= end <= size().
  History slice(Index begin, Index end) const {
    if (begin < 0 || begin > end || end > size()) {
      fail<IndexError>("History::slice", "events [", begin, ", ", end, ") of ", size());
    }
    const auto cut = [&](auto column) {
      return column.empty() ? column
                            : column.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    };
    return {.user = user, .items = cut(items), .times = cut(times), .kinds = cut(kinds), .time_unit = time_unit};
  }
  /// Returns the oldest n events. Errors as slice.
  History first(Index n) const { return slice(0, n); }

  /// Returns a copy without the events of `item`.
  Events without(Id item) const;

  /// Throws ShapeError unless `times` and `kinds` are empty or as long as `items`.
  void check(std::string_view operation) const {
    for (const std::size_t n : {times.size(), kinds.size()}) {
      if (n != 0 && n != items.size()) fail<ShapeError>(operation, n, " times or kinds for ", items.size(), " items");
    }
  }
};

/// The events of one user, oldest first, in memory that this owns.
struct Events {
  Id user = Vocabulary::unknown;
  std::vector<Id> items{};            ///< [events]
  std::vector<std::int64_t> times{};  ///< [events], or empty when unknown
  std::vector<Id> kinds{};            ///< [events], or empty when unknown
  TimeUnit time_unit{};               ///< of `times`

  /// Returns a view, valid until the events change.
  History history() const& {
    return {.user = user, .items = items, .times = times, .kinds = kinds, .time_unit = time_unit};
  }
  History history() const&& = delete;
};

inline Events History::without(Id item) const {
  Events out{.user = user, .time_unit = time_unit};
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i] == item) continue;
    out.items.push_back(items[i]);
    if (!times.empty()) out.times.push_back(times[i]);
    if (!kinds.empty()) out.kinds.push_back(kinds[i]);
  }
  return out;
}

}  // namespace heed::inline HEED_ABI::data
