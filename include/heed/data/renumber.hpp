// SPDX-License-Identifier: Apache-2.0
// A log in the numbers of another one: what a trained model needs before it can read new data.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "heed/data/filter.hpp"
#include "heed/data/interactions.hpp"

namespace heed::inline HEED_ABI::data {

namespace detail {

/// Puts `numbers[x]` for every x of `column`; an unknown stays unknown.
inline void renumber(std::vector<std::int32_t>& column, const std::vector<std::int32_t>& numbers) {
  for (std::int32_t& x : column) {
    if (x != Vocabulary::unknown) x = numbers[static_cast<std::size_t>(x)];
  }
}

/// Gives `log`, all of whose events are of items in `item_ids`, the numbers that these have there.
inline void take_item_ids(Interactions& log, Vocabulary item_ids) {
  const auto numbers = renumbering(log.item_ids, item_ids);
  renumber(log.items, numbers);
  auto& values = log.item_features.values;
  if (!values.empty()) {
    std::vector<std::int32_t> moved(static_cast<std::size_t>(item_ids.size()), Vocabulary::unknown);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] != Vocabulary::unknown) moved[static_cast<std::size_t>(numbers[i])] = values[i];
    }
    values = std::move(moved);
  }
  log.item_ids = std::move(item_ids);
}

}  // namespace detail

/// `log` with its items numbered as in `item_ids`, users as before. Events of items that are not in it are left out,
/// and counted in `left_out`; an item that `log` lacks has no feature.
inline Interactions renumber_items(const Interactions& log, Vocabulary item_ids, Index* left_out = nullptr) {
  const auto numbers = renumbering(log.item_ids, item_ids);
  Interactions out = filter(log, [&](Index, std::size_t e) {
    return numbers[static_cast<std::size_t>(log.items[e])] != Vocabulary::unknown;
  });
  detail::take_item_ids(out, std::move(item_ids));
  if (left_out != nullptr) *left_out = log.size() - out.size();
  return out;
}

/// `log` with its kinds of event numbered as in `kind_ids`. Events of other kinds are left out, and counted in
/// `left_out`; a log without kinds stays as it is.
inline Interactions renumber_kinds(const Interactions& log, Vocabulary kind_ids, Index* left_out = nullptr) {
  const auto numbers = renumbering(log.kind_ids, kind_ids);
  Interactions out = filter(log, [&](Index, std::size_t e) {
    return log.kinds.empty() || numbers[static_cast<std::size_t>(log.kinds[e])] != Vocabulary::unknown;
  });
  detail::renumber(out.kinds, numbers);
  out.kind_ids = std::move(kind_ids);
  if (left_out != nullptr) *left_out = log.size() - out.size();
  return out;
}

/// `features` with its values numbered as in `names`; an item of another value has none.
inline ItemFeatures renumber_features(ItemFeatures features, Vocabulary names) {
  detail::renumber(features.values, renumbering(features.names, names));
  features.names = std::move(names);
  return features;
}

}  // namespace heed::inline HEED_ABI::data
