// SPDX-License-Identifier: Apache-2.0
// A log in the item numbers of another one: what a trained model needs before it can read new data.
#pragma once

#include <utility>

#include "heed/data/interactions.hpp"

namespace heed::inline HEED_ABI::data {

/// `log` with its items numbered as in `item_ids`, users as before. Events of items that are not in it are left out,
/// and counted in `left_out`.
inline Interactions renumber_items(const Interactions& log, Vocabulary item_ids, Index* left_out = nullptr) {
  std::vector<std::int32_t> number(static_cast<std::size_t>(log.num_items()));
  for (std::int32_t i = 0; i < log.num_items(); ++i) {
    number[static_cast<std::size_t>(i)] = item_ids.find(log.item_ids.id(i));
  }
  Interactions out;
  out.users = log.users;
  out.item_ids = std::move(item_ids);
  for (Index u = 0; u < log.num_users(); ++u) {
    const auto first = static_cast<std::size_t>(log.offsets[static_cast<std::size_t>(u)]);
    for (std::size_t e = first; e < first + static_cast<std::size_t>(log.length(u)); ++e) {
      const std::int32_t item = number[static_cast<std::size_t>(log.items[e])];
      if (item == Vocabulary::unknown) continue;
      out.items.push_back(item);
      if (!log.times.empty()) out.times.push_back(log.times[e]);
      if (!log.ratings.empty()) out.ratings.push_back(log.ratings[e]);
    }
    out.offsets.push_back(out.size());
  }
  if (left_out != nullptr) *left_out = log.size() - out.size();
  return out;
}

}  // namespace heed::inline HEED_ABI::data
