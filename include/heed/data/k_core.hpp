// SPDX-License-Identifier: Apache-2.0
// The k-core of a log: the dense part that papers call "5-core".
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/filter.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/renumber.hpp"

namespace heed::inline HEED_ABI::data {

/// The minimum number of events; 0 and 1 are no restriction.
struct KCoreOptions {
  Index users = 5;
  Index items = 5;

  void fields(auto&& visitor) { visitor("users", users, "items", items); }
};

/// Returns the largest part of `log` in which every user has at least `options.users` events and every item at least
/// `options.items`. Other users and items are removed from the vocabularies; the rest keep their texts, names and
/// order. Throws OptionError on a negative number.
inline Interactions k_core(const Interactions& log, const KCoreOptions& options = {}) {
  if (options.users < 0 || options.items < 0) {
    fail<OptionError>("k_core", "users ", options.users, ", items ", options.items);
  }
  const auto at = [](auto& counts, Index i) -> auto& { return counts[static_cast<std::size_t>(i)]; };
  // An event counts for its item while its user has enough events, and for its user while its item does.
  std::vector<Index> of_user(static_cast<std::size_t>(log.num_users())), of_item, last;
  for (Id u = 0; u < log.num_users(); ++u) at(of_user, u) = log.length(u);
  do {
    last = of_user;
    of_item.assign(static_cast<std::size_t>(log.num_items()), 0);
    for (Id u = 0; u < log.num_users(); ++u) {
      if (at(of_user, u) < options.users) continue;
      for (const Id item : log.user(u).items) ++at(of_item, item);
    }
    for (Id u = 0; u < log.num_users(); ++u) {
      if (at(of_user, u) < options.users) continue;
      at(of_user, u) =
          std::ranges::count_if(log.user(u).items, [&](auto item) { return at(of_item, item) >= options.items; });
    }
  } while (of_user != last);

  Interactions out = filter(log, [&](Id u, std::size_t e) {
    return at(of_user, u) >= options.users && at(of_item, log.items[e]) >= options.items;
  });
  std::ranges::fill(of_item, 0);
  for (const Id item : out.items) ++at(of_item, item);
  detail::take_items(out, selected(log.catalogue.items, [&](Id item) { return at(of_item, item) > 0; }));
  out.users = selected(log.users, [&](Id u) { return out.length(u) > 0; });
  out.offsets.erase(std::unique(out.offsets.begin(), out.offsets.end()), out.offsets.end());
  return out;
}

}  // namespace heed::inline HEED_ABI::data
