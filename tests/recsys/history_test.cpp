// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/history.hpp"

#include <catch2/catch.hpp>
#include <vector>

TEST_CASE("a history is the user's log up to the cut", "[recsys][history]") {
  for (const bool timed : {true, false}) {
    heed::data::InteractionsBuilder builder({.times = timed, .kinds = timed});
    for (const char* item : {"a", "b", "c"}) builder.add("u", item, 7, 0, "bought");
    builder.add("v", "c", 9, 0, "bought");
    const auto log = std::move(builder).build();
    const auto past = heed::recsys::history(log, 0, 2);
    CHECK(past.user == 0);
    REQUIRE(past.size() == 2);
    CHECK(past.items.data() == log.items.data());  // a view
    CHECK(past.times.size() == (timed ? 2u : 0u));
    CHECK(past.kinds.size() == (timed ? 2u : 0u));
    CHECK(heed::recsys::history(log, 1, 1).items[0] == 2);
    CHECK(heed::recsys::history(log, 1, 0).size() == 0);
  }
}

TEST_CASE("a model may say how much of a history it sees", "[recsys][history]") {
  struct Short {
    heed::Index max_length() const { return 20; }
  };
  struct Any {};
  CHECK(heed::recsys::seen_length(Short(), 300) == 20);
  CHECK(heed::recsys::seen_length(Short(), 5) == 5);
  CHECK(heed::recsys::seen_length(Any(), 300) == 300);
}

TEST_CASE("distinct values", "[recsys][history]") {
  const std::vector<std::int32_t> values = {5, 1, 5, 3, 1};
  CHECK(heed::recsys::distinct(values) == std::vector<std::int32_t>{1, 3, 5});
  CHECK(heed::recsys::distinct({}).empty());
}
