// SPDX-License-Identifier: Apache-2.0
#include "heed/data/interactions.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using heed::Index;
using heed::data::Interactions;
using heed::data::InteractionsBuilder;

namespace {

template <class T>
std::vector<T> list(std::span<const T> values) {
  return {values.begin(), values.end()};
}
using Items = std::vector<std::int32_t>;
using Times = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("events are grouped by user and sorted by time, stably", "[data][interactions]") {
  InteractionsBuilder builder({.times = true, .ratings = true});
  builder.add("u", "a", 30, 1);
  builder.add("v", "b", 5, 2);
  builder.add("u", "c", 10, 3);
  builder.add("u", "b", 30, 4);
  builder.add("u", "d", 10, 5);
  builder.add("u", "c", 10, 6);  // a duplicate is kept
  CHECK(builder.size() == 6);
  const Interactions log = std::move(builder).build();
  REQUIRE(log.num_users() == 2);
  CHECK(log.num_items() == 4);
  CHECK(log.size() == 6);
  CHECK(log.length(0) == 5);
  // a b c d have ids 0 1 2 3
  CHECK(list(log.user(0).items) == Items{2, 3, 2, 0, 1});
  CHECK(list(log.user(0).times) == Times{10, 10, 10, 30, 30});
  CHECK(list(log.user_ratings(0)) == std::vector<float>{3, 5, 6, 1, 4});
  CHECK(list(log.user(1).items) == Items{1});
  CHECK(list(log.user_ratings(1)) == std::vector<float>{2});
  CHECK(log.users.text(1) == "v");
  CHECK(log.catalogue.items.text(3) == "d");
  CHECK(log.baskets(0) == std::vector<Index>{0, 3, 5});
  CHECK(log.baskets(1) == std::vector<Index>{0, 1});
}

TEST_CASE("a log of many events has the ids and names of the order in which they came", "[data][interactions]") {
  InteractionsBuilder builder({});
  const std::string long_text(100'000, 'x');
  for (int e = 0; e < 1000; ++e) {
    const std::string item = e == 500 ? long_text : std::to_string(e * e % 97);
    builder.add(std::to_string(e % 130), item);
    if (e % 3 == 2) builder.name_item("name " + std::to_string(e));
    REQUIRE(builder.size() == e + 1);
  }
  const Interactions log = std::move(builder).build();
  REQUIRE(log.num_users() == 130);
  CHECK(log.size() == 1000);
  const auto& items = log.catalogue.items;
  for (int u = 0; u < 130; ++u) {
    CHECK(log.users.text(u) == std::to_string(u));
    const auto events = log.user(u).items;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const int e = u + 130 * static_cast<int>(i);
      REQUIRE(items.text(events[i]) == (e == 500 ? long_text : std::to_string(e * e % 97)));
    }
  }
  CHECK(items.name(log.item("4")) == "name 2");  // of event 2, the first of the item with a name
  CHECK(items.name(log.item("0")) == "name 194");
  CHECK(items.name(log.item(long_text)) == "name 500");
}

TEST_CASE("kinds of event stay with their events", "[data][interactions]") {
  InteractionsBuilder builder({.times = true, .kinds = true});
  builder.add("u", "a", 3, 0, "bought");
  builder.add("v", "a", 1, 0, "viewed");
  builder.add("u", "b", 1, 0, "viewed");
  builder.add("u", "c", 2, 0, "liked");
  const Interactions log = std::move(builder).build();
  CHECK(log.catalogue.kinds.size() == 3);
  CHECK(list(log.user(0).kinds) == Items{1, 2, 0});
  CHECK(list(log.user(1).kinds) == Items{1});
  CHECK(log.catalogue.kinds.text(2) == "liked");
  CHECK(log.ratings.empty());
}

TEST_CASE("without times the file order is kept and every event is a basket", "[data][interactions]") {
  InteractionsBuilder builder({});
  builder.add("u", "b", 9);
  builder.add("v", "a");
  builder.add("u", "a", 3);
  const Interactions log = std::move(builder).build();
  CHECK(list(log.user(0).items) == Items{0, 1});
  CHECK(log.times.empty());
  CHECK(log.ratings.empty());
  CHECK(log.user(0).times.empty());
  CHECK(log.user_ratings(1).empty());
  CHECK(log.user(1).kinds.empty());
  CHECK(log.catalogue.kinds.size() == 0);
  CHECK(log.baskets(0) == std::vector<Index>{0, 1, 2});
}

TEST_CASE("an empty log", "[data][interactions]") {
  const Interactions built = InteractionsBuilder({.times = true}).build();
  for (const Interactions& log : {built, Interactions{}}) {
    CHECK(log.num_users() == 0);
    CHECK(log.num_items() == 0);
    CHECK(log.size() == 0);
  }
}

TEST_CASE("baskets are found from either end", "[data][interactions]") {
  const Times times = {1, 1, 2, 3, 3, 3};
  using heed::data::basket_begin;
  using heed::data::basket_end;
  CHECK(basket_end(times, 6, 0) == 2);
  CHECK(basket_end(times, 6, 1) == 2);
  CHECK(basket_end(times, 6, 2) == 3);
  CHECK(basket_end(times, 6, 3) == 6);
  CHECK(basket_end(times, 5, 3) == 5);  // limited by the size
  CHECK(basket_begin(times, 6) == 3);
  CHECK(basket_begin(times, 3) == 2);
  CHECK(basket_begin(times, 2) == 0);
  CHECK(basket_end({}, 6, 0) == 1);
  CHECK(basket_begin({}, 6) == 5);
}

}  // namespace HEED_TEST_UNIT
