// SPDX-License-Identifier: Apache-2.0
// The k-core of a log: the dense part that papers call "5-core".
#pragma once

#include <algorithm>
#include <numeric>
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
  const auto at = [](auto& column, Index i) -> auto& { return column[static_cast<std::size_t>(i)]; };
  std::vector<Index> of_user(static_cast<std::size_t>(log.num_users()));
  std::vector<Index> of_item(static_cast<std::size_t>(log.num_items())), begins(of_item.size() + 1);
  for (Id u = 0; u < log.num_users(); ++u) at(of_user, u) = log.length(u);
  for (const Id item : log.items) ++at(of_item, item);
  std::partial_sum(of_item.begin(), of_item.end(), begins.begin() + 1);
  std::vector<Id> takers(log.items.size());  // of item i, once per event: begins[i] .. begins[i + 1]
  std::vector<Index> next = begins;
  for (Id u = 0; u < log.num_users(); ++u) {
    for (const Id item : log.user(u).items) at(takers, at(next, item)++) = u;
  }

  // Each user and item that has too few events takes them from its items and users, once: the time is linear.
  std::vector<Id> users, items;
  for (Id u = 0; u < log.num_users(); ++u) {
    if (at(of_user, u) < options.users) users.push_back(u);
  }
  for (Id i = 0; i < log.num_items(); ++i) {
    if (at(of_item, i) < options.items) items.push_back(i);
  }
  while (!users.empty() || !items.empty()) {
    if (!users.empty()) {
      const Id user = users.back();
      users.pop_back();
      for (const Id item : log.user(user).items) {
        if (at(of_item, item)-- == options.items) items.push_back(item);
      }
    } else {
      const Id item = items.back();
      items.pop_back();
      for (Index e = at(begins, item); e < at(begins, item + 1); ++e) {
        if (at(of_user, at(takers, e))-- == options.users) users.push_back(at(takers, e));
      }
    }
  }

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
