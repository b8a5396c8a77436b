// SPDX-License-Identifier: Apache-2.0
#include "heed/data/history.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "heed/data/interactions.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;
using heed::Index;
using Ids = std::vector<Id>;

namespace {

Ids list(std::span<const Id> ids) { return {ids.begin(), ids.end()}; }

template <class Log>
concept GivesHistory = requires(Log&& log) { std::forward<Log>(log).user(0); };

}  // namespace

TEST_CASE("a history is a view of the user's events", "[data][history]") {
  for (const bool timed : {true, false}) {
    InteractionsBuilder builder({.times = timed, .kinds = timed});
    for (const char* item : {"a", "b", "c"}) builder.add("u", item, 7, 0, "bought");
    builder.add("v", "c", 9, 0, "bought");
    const auto log = std::move(builder).build();
    const History past = log.user(0).first(2);
    CHECK(past.user == 0);
    REQUIRE(past.size() == 2);
    CHECK(past.items.data() == log.items.data());  // a view
    CHECK(past.times.size() == (timed ? 2u : 0u));
    CHECK(past.kinds.size() == (timed ? 2u : 0u));
    CHECK(log.user(1).items[0] == 2);
    CHECK(log.user(1).first(0).empty());
    CHECK_FALSE(past.empty());
    CHECK(list(log.user(0).slice(1, 3).items) == Ids{1, 2});
    CHECK(log.user(0).slice(1, 3).times.size() == past.times.size());
    CHECK_THROWS_AS(past.first(3), heed::IndexError);
    CHECK_THROWS_AS(past.slice(-1, 1), heed::IndexError);
    CHECK_THROWS_WITH(past.slice(2, 1), "History::slice: events [2, 1) of 2");
  }
}

TEST_CASE("removing an item from a history copies the other events", "[data][history]") {
  const Ids items = {5, 1, 5, 3}, kinds = {0, 1, 0, 2};
  const std::vector<std::int64_t> times = {1, 2, 3, 3};
  const Events others = History{.user = 4, .items = items, .times = times, .kinds = kinds}.without(5);
  CHECK(others.user == 4);
  CHECK(others.items == Ids{1, 3});
  CHECK(others.times == std::vector<std::int64_t>{2, 3});
  CHECK(others.kinds == Ids{1, 2});
  CHECK(list(others.history().items) == others.items);
  const Events plain = History{.items = items}.without(7);
  CHECK(plain.items == items);
  CHECK(plain.times.empty());
  CHECK(plain.kinds.empty());
}

TEST_CASE("a history throws when its columns differ in length", "[data][history]") {
  const Ids items = {5, 1};
  const std::vector<std::int64_t> times = {1, 2, 3};
  CHECK_NOTHROW((History{.items = items}.check("test")));
  CHECK_THROWS_WITH((History{.items = items, .times = times}.check("test")), "test: 3 times or kinds for 2 items");
}

TEST_CASE("no history can be taken of a temporary log", "[data][history]") {
  STATIC_REQUIRE(GivesHistory<const Interactions&>);
  STATIC_REQUIRE_FALSE(GivesHistory<Interactions>);
}

TEST_CASE("a basket is a run of events of equal time, or one event without times", "[data][history]") {
  const std::vector<std::int64_t> times = {1, 1, 2, 3, 3, 3};
  CHECK(basket_end(times, 6, 0) == 2);
  CHECK(basket_end(times, 6, 2) == 3);
  CHECK(basket_end(times, 6, 3) == 6);
  CHECK(basket_end(times, 5, 3) == 5);  // only the first five events
  CHECK(basket_begin(times, 6) == 3);
  CHECK(basket_begin(times, 5) == 3);
  CHECK(basket_begin(times, 3) == 2);
  CHECK(basket_begin(times, 2) == 0);
  CHECK(basket_end({}, 6, 3) == 4);
  CHECK(basket_begin({}, 6) == 5);
}

TEST_CASE("distinct values", "[data][history]") {
  CHECK(distinct(Ids{5, 1, 5, 3, 1}) == Ids{1, 3, 5});
  CHECK(distinct({}).empty());
}

}  // namespace HEED_TEST_UNIT
