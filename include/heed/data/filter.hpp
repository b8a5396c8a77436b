// SPDX-License-Identifier: Apache-2.0
// Selecting the events of a log that satisfy a condition: one kind, high ratings, a time range.
#pragma once

#include <concepts>
#include <numeric>

#include "heed/core/config.hpp"
#include "heed/data/interactions.hpp"

namespace heed::inline HEED_ABI::data {

/// Returns the events e (indices into the log's columns) of users u for which `keep(u, e)` is true, in order. Users,
/// items and kinds keep their ids, including those without events. `keep` is called twice per event.
template <std::predicate<Id, std::size_t> Keep>
Interactions filter(const Interactions& log, Keep keep) {
  Interactions out;
  out.users = log.users;
  out.catalogue = log.catalogue;
  out.time_unit = log.time_unit;
  const auto each = [&](auto&& take) {
    for (Id u = 0; u < log.num_users(); ++u) {
      const auto begin = static_cast<std::size_t>(log.offsets[static_cast<std::size_t>(u)]);
      for (std::size_t e = begin; e < begin + static_cast<std::size_t>(log.length(u)); ++e) {
        if (keep(u, e)) take(u, e);
      }
    }
  };
  out.offsets.assign(log.offsets.size(), 0);
  each([&](Id u, std::size_t) { ++out.offsets[static_cast<std::size_t>(u) + 1]; });
  std::partial_sum(out.offsets.begin(), out.offsets.end(), out.offsets.begin());
  const auto kept = static_cast<std::size_t>(out.offsets.back());
  const auto reserve = [&](const auto& from, auto& to) {
    if (!from.empty()) to.reserve(kept);
  };
  const auto push = [](const auto& from, auto& to, std::size_t e) {
    if (!from.empty()) to.push_back(from[e]);
  };
  reserve(log.items, out.items);
  reserve(log.times, out.times);
  reserve(log.ratings, out.ratings);
  reserve(log.kinds, out.kinds);
  each([&](Id, std::size_t e) {
    push(log.items, out.items, e);
    push(log.times, out.times, e);
    push(log.ratings, out.ratings, e);
    push(log.kinds, out.kinds, e);
  });
  return out;
}

}  // namespace heed::inline HEED_ABI::data
