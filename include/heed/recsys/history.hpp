// SPDX-License-Identifier: Apache-2.0
// What a recommender sees of a user: the events up to a cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/interactions.hpp"

namespace heed::inline HEED_ABI::recsys {

/// One user's past, oldest first; a view. Events of equal time are one basket; without times every event is its own.
struct History {
  Index user = -1;                        ///< the user's number in the log, -1 for somebody who is not in it
  std::span<const std::int32_t> items{};  ///< [events]
  std::span<const std::int64_t> times{};  ///< [events], or empty when unknown
  std::span<const std::int32_t> kinds{};  ///< [events], or empty when unknown

  Index size() const { return static_cast<Index>(items.size()); }
};

/// The first `end` events of user `u`.
inline History history(const data::Interactions& log, Index u, Index end) {
  const auto n = static_cast<std::size_t>(end);
  const auto cut = [n](auto events) { return events.empty() ? events : events.first(n); };
  return {.user = u, .items = log.user(u).first(n), .times = cut(log.user_times(u)), .kinds = cut(log.user_kinds(u))};
}

/// How many events of a history `model` is shown when `most` are wanted: no more than its `max_length()`, if it has
/// one.
template <class Model>
Index seen_length(const Model& model, Index most) {
  if constexpr (requires { model.max_length(); }) return std::min<Index>(most, model.max_length());
  return most;
}

/// Throws ShapeError unless there is a score an item.
inline void check_scores(std::string_view operation, std::span<const double> scores, Index num_items) {
  if (static_cast<Index>(scores.size()) != num_items) {
    fail<ShapeError>(operation, "wanted ", num_items, " scores, got ", scores.size());
  }
}

/// The distinct values in ascending order.
inline std::vector<std::int32_t> distinct(std::span<const std::int32_t> values) {
  std::vector<std::int32_t> out(values.begin(), values.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace heed::inline HEED_ABI::recsys
