// SPDX-License-Identifier: Apache-2.0
#include "heed/data/k_core.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "heed/core/random.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;
using heed::Index;

namespace {

/// user, item, time, kind
using Rows = std::vector<std::tuple<std::string, std::string, int, std::string>>;

Interactions log_of(const Rows& events) {
  InteractionsBuilder builder({.times = true, .ratings = true, .kinds = true});
  for (const auto& [user, item, time, kind] : events) builder.add(user, item, time, static_cast<float>(time), kind);
  return std::move(builder).build();
}

/// The definition: remove users and items with too few events until there are none.
Rows core_of(Rows events, Index users, Index items) {
  for (std::size_t before = events.size() + 1; before != events.size();) {
    before = events.size();
    std::map<std::string, Index> of_user, of_item;
    for (const auto& [user, item, time, kind] : events) ++of_user[user], ++of_item[item];
    std::erase_if(events,
                  [&](const auto& e) { return of_user[std::get<0>(e)] < users || of_item[std::get<1>(e)] < items; });
  }
  return events;
}

/// The events of each user, as texts instead of ids.
std::map<std::string, Rows> by_user(const Interactions& log) {
  std::map<std::string, Rows> out;
  for (std::int32_t u = 0; u < log.num_users(); ++u) {
    const std::string user(log.users.text(u));
    for (std::size_t e = 0; e < static_cast<std::size_t>(log.length(u)); ++e) {
      CHECK(log.user_ratings(u)[e] == static_cast<float>(log.user(u).times[e]));
      out[user].emplace_back(user, log.catalogue.items.text(log.user(u).items[e]), log.user(u).times[e],
                             log.catalogue.kinds.text(log.user(u).kinds[e]));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("the core of random logs agrees with the definition", "[data][k_core]") {
  std::size_t emptied = 0, changed = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const heed::Random random(seed);
    std::uint64_t draws = 0;
    const auto below = [&](Index n) { return random.below(draws++, n); };
    Rows events;
    for (Index size = below(250); size > 0; --size) {
      // Products of random numbers: some users and items are much rarer than others.
      const Index user = below(below(30) + 1), item = below(25) * below(2);
      const auto time = static_cast<int>(below(1000));
      events.emplace_back("u" + std::to_string(user), "i" + std::to_string(item), time, time % 3 ? "bought" : "viewed");
    }
    const Index users = below(9), items = below(7);
    const KCoreOptions options{.users = users, .items = items};
    const Interactions log = log_of(events), core = k_core(log, options);
    const Rows expected = core_of(events, options.users, options.items);
    REQUIRE(by_user(core) == by_user(log_of(expected)));
    // There is no empty user, no item without events, and the order is unchanged.
    std::vector<Index> of_item(static_cast<std::size_t>(core.num_items()));
    for (const std::int32_t item : core.items) ++of_item[static_cast<std::size_t>(item)];
    for (const Index n : of_item) CHECK(n >= std::max<Index>(1, options.items));
    for (Id u = 0; u < core.num_users(); ++u) CHECK(core.length(u) >= std::max<Index>(1, options.users));
    CHECK(core.users.size() == core.num_users());
    const auto rises = [](const std::vector<std::int32_t>& numbers) {
      return std::is_sorted(numbers.begin(), numbers.end());
    };
    CHECK(rises(renumbering(core.users, log.users)));
    CHECK(rises(renumbering(core.catalogue.items, log.catalogue.items)));
    emptied += expected.empty() && !events.empty();
    changed += expected.size() != events.size() && !expected.empty();
  }
  CHECK(emptied > 5);
  CHECK(changed > 50);
}

TEST_CASE("the time of the core is linear, also when users and items fall one after the other", "[data][k_core]") {
  // User u takes the items u and u + 1: of each user and item, two events, but for the item at either end.
  InteractionsBuilder builder({});
  for (int u = 0; u < 200'000; ++u) {
    for (const int item : {u, u + 1}) builder.add(std::to_string(u), std::to_string(item));
  }
  const Interactions chain = std::move(builder).build();
  CHECK(k_core(chain, {.users = 2, .items = 1}).size() == chain.size());
  CHECK(k_core(chain, {.users = 2, .items = 2}).size() == 0);
}

TEST_CASE("names and features stay with the items of the core", "[data][k_core]") {
  Interactions log =
      log_of({{"u", "rare", 1, "x"}, {"u", "a", 2, "x"}, {"u", "b", 3, "x"}, {"v", "b", 1, "x"}, {"v", "a", 9, "x"}});
  log.catalogue.items.set_name(2, "bread");
  log.catalogue.features.values = {0, Vocabulary::unknown, 1};
  const Interactions core = k_core(log, {.users = 2, .items = 2});
  CHECK(core.num_items() == 2);
  CHECK(core.num_users() == 2);
  CHECK(core.items == std::vector<std::int32_t>{0, 1, 1, 0});
  CHECK(core.catalogue.items.name(1) == "bread");
  CHECK(core.catalogue.features.values == std::vector<std::int32_t>{-1, 1});
  CHECK(k_core(log, {.users = 0, .items = 0}).size() == 5);
  CHECK(k_core(Interactions{}).size() == 0);
  CHECK_THROWS_AS(k_core(log, {.users = -1}), heed::OptionError);
  CHECK_THROWS_AS(k_core(log, {.items = -1}), heed::OptionError);
}

}  // namespace HEED_TEST_UNIT
