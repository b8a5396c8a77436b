// SPDX-License-Identifier: Apache-2.0
// Converting a log to the ids, and the unit of time, of another one, as required to read new data with a trained model.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "heed/data/filter.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/time.hpp"

namespace heed::inline HEED_ABI::data {

namespace detail {

/// Replaces every x of `column` by `numbers[x]`; unknown stays unknown.
inline void renumber(std::vector<Id>& column, const std::vector<Id>& numbers) {
  for (Id& x : column) {
    if (x != Vocabulary::unknown) x = numbers[static_cast<std::size_t>(x)];
  }
}

/// Converts `log`, whose items must all be in `items`, to the ids of `items`.
inline void take_items(Interactions& log, Vocabulary items) {
  Catalogue& catalogue = log.catalogue;
  const auto ids = renumbering(catalogue.items, items);
  renumber(log.items, ids);
  const auto move = [&]<class T>(std::vector<T>& column, T missing) {
    if (column.empty()) return;
    std::vector<T> moved(static_cast<std::size_t>(items.size()), missing);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != Vocabulary::unknown) moved[static_cast<std::size_t>(ids[i])] = column[i];
    }
    column = std::move(moved);
  };
  move(catalogue.features.values, Vocabulary::unknown);
  move(catalogue.counts, Index{0});
  catalogue.items = std::move(items);
}

}  // namespace detail

/// Returns `log` with the item ids of `items`; users are unchanged. Events of items that are not in `items` are dropped
/// and counted in `left_out`; an item that is not in `log` has no feature.
inline Interactions renumber_items(const Interactions& log, Vocabulary items, Index* left_out = nullptr) {
  const auto numbers = renumbering(log.catalogue.items, items);
  Interactions out = filter(
      log, [&](Id, std::size_t e) { return numbers[static_cast<std::size_t>(log.items[e])] != Vocabulary::unknown; });
  detail::take_items(out, std::move(items));
  if (left_out != nullptr) *left_out = log.size() - out.size();
  return out;
}

/// Returns `log` with the kind ids of `kinds`. Events of other kinds are dropped and counted in `left_out`; a log
/// without kinds is unchanged.
inline Interactions renumber_kinds(const Interactions& log, Vocabulary kinds, Index* left_out = nullptr) {
  const auto numbers = renumbering(log.catalogue.kinds, kinds);
  Interactions out = filter(log, [&](Id, std::size_t e) {
    return log.kinds.empty() || numbers[static_cast<std::size_t>(log.kinds[e])] != Vocabulary::unknown;
  });
  detail::renumber(out.kinds, numbers);
  out.catalogue.kinds = std::move(kinds);
  if (left_out != nullptr) *left_out = log.size() - out.size();
  return out;
}

/// Returns `log` with its times in `unit`. Throws OptionError when a time is a fraction there, or beyond 64 bits.
inline Interactions convert_times(Interactions log, TimeUnit unit) {
  for (std::int64_t& time : log.times) {
    const auto converted = convert_time(time, log.time_unit, unit);
    if (!converted) {
      fail<OptionError>("convert_times", "the log's time ", time_text(time, log.time_unit), " (", time, " in ",
                        unit_text(log.time_unit), ") is not a 64-bit whole number of ", unit_text(unit));
    }
    time = *converted;
  }
  log.time_unit = unit;
  return log;
}

/// Returns `features` with the value ids of `names`; items with another value have none.
inline ItemFeatures renumber_features(ItemFeatures features, Vocabulary names) {
  detail::renumber(features.values, renumbering(features.names, names));
  features.names = std::move(names);
  return features;
}

}  // namespace heed::inline HEED_ABI::data
