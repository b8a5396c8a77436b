// SPDX-License-Identifier: Apache-2.0
#include "heed/data/batch.hpp"

#include <catch2/catch.hpp>

#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::data;
using Numbers = std::vector<Index>;

/// Items have ids 0, 1, .. in the order a b c d e.
Interactions log_of(std::initializer_list<std::tuple<const char*, const char*, int>> events, bool times = true) {
  InteractionsBuilder builder({.times = times});
  for (const char* item : {"a", "b", "c", "d", "e"}) builder.add("nobody", item, 0);
  for (const auto& [user, item, time] : events) builder.add(user, item, time);
  return std::move(builder).build();
}

/// Users 1 (baskets ab | c | cad | e) and 2 (b | b).
Interactions small(bool times = true) {
  return log_of({{"u", "a", 1},
                 {"u", "b", 1},
                 {"u", "c", 2},
                 {"u", "c", 3},
                 {"u", "a", 3},
                 {"u", "d", 3},
                 {"u", "e", 9},
                 {"w", "b", 5},
                 {"w", "b", 6}},
                times);
}

Split everything(const Interactions& log) {
  Split split;
  for (Id u = 0; u < log.num_users(); ++u) split.train_end.push_back(log.length(u));
  split.validation_end = split.test_end = split.train_end;
  return split;
}

Numbers lengths(const Segments& segments) {
  Numbers out;
  for (Index i = 0; i < segments.count(); ++i) out.push_back(segments.length(i));
  return out;
}

TEST_CASE("one example per basket except the first, with the history limited to the newest events") {
  const auto log = small();
  auto split = everything(log);
  auto examples = next_basket_examples(log, split, 3);
  REQUIRE(examples.size() == 4);
  CHECK(examples[0] == Example{1, 0, 2, 3});
  CHECK(examples[1] == Example{1, 0, 3, 6});
  CHECK(examples[2] == Example{1, 3, 6, 7});
  CHECK(examples[3] == Example{2, 0, 1, 2});
  split.train_end = {0, 3, 1};  // training events only
  examples = next_basket_examples(log, split, 3);
  REQUIRE(examples.size() == 1);
  CHECK(examples[0] == Example{1, 0, 2, 3});
  // Without times every event is a basket.
  const auto plain = small(false);
  CHECK(next_basket_examples(plain, everything(plain), 3).size() == 4 + 6 + 1);
}

TEST_CASE("every position: one example per user, and none for users with one event") {
  const auto log = small();
  auto split = everything(log);
  split.train_end = {1, 6, 2};
  const auto examples = every_position_examples(log, split, 3);
  REQUIRE(examples.size() == 2);
  CHECK(examples[0] == Example{1, 2, 5, 6});
  CHECK(examples[1] == Example{2, 0, 1, 2});
}

TEST_CASE("next basket: one query at each end, ages by basket, distinct targets in order") {
  const auto log = small();
  Batch batch;
  batch.assign_next_basket(log, std::vector<Example>{{1, 0, 6, 7}, {2, 0, 0, 1}, {1, 0, 3, 6}, {2, 0, 1, 2}},
                           Random(1));
  CHECK(lengths(batch.segments) == Numbers{6, 0, 3, 1});
  CHECK(lengths(batch.query_segments) == Numbers{1, 1, 1, 1});
  CHECK(batch.query_rows == Numbers{5, -1, 8, 9});
  CHECK(batch.ages == Numbers{2, 2, 1, 0, 0, 0, 1, 1, 0, 0});
  CHECK(lengths(batch.target_segments) == Numbers{1, 1, 3, 1});
  CHECK(batch.targets == Numbers{4, 1, 0, 2, 3, 1});
  // Baskets keep their items, in any order.
  const auto basket = [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    Numbers out(batch.items.begin() + begin, batch.items.begin() + end);
    std::sort(out.begin(), out.end());
    return out;
  };
  CHECK(basket(0, 2) == Numbers{0, 1});
  CHECK(basket(2, 3) == Numbers{2});
  CHECK(basket(3, 6) == Numbers{0, 2, 3});
  CHECK(basket(6, 8) == Numbers{0, 1});
}

TEST_CASE("an item that occurs twice in a basket is one target") {
  const auto log = log_of({{"u", "a", 1}, {"u", "c", 2}, {"u", "b", 2}, {"u", "c", 2}});
  Batch batch;
  batch.assign_next_basket(log, std::vector<Example>{{1, 0, 1, 4}}, Random(1));
  CHECK(batch.targets == Numbers{1, 2});
  CHECK(lengths(batch.target_segments) == Numbers{2});
}

TEST_CASE("the order inside a basket depends on the seed only, and every order occurs") {
  const auto log = log_of({{"u", "a", 1}, {"u", "b", 1}, {"u", "c", 1}, {"u", "d", 2}});
  const std::vector<Example> examples{{1, 0, 3, 4}};
  Batch batch;
  std::vector<Numbers> orders;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    batch.assign_next_basket(log, examples, Random(seed));
    const Numbers first = batch.items;
    batch.assign_next_basket(log, examples, Random(seed));
    CHECK(batch.items == first);
    orders.push_back(first);
  }
  std::sort(orders.begin(), orders.end());
  CHECK(std::unique(orders.begin(), orders.end()) - orders.begin() == 6);
}

TEST_CASE("every position: a query at each event, whose target is the next event") {
  const auto log = small();
  Batch batch;
  batch.assign_every_position(log, std::vector<Example>{{1, 2, 5, 6}, {2, 0, 1, 2}});
  CHECK(batch.items == Numbers{2, 2, 0, 1});
  CHECK(batch.targets == Numbers{2, 0, 3, 1});
  CHECK(batch.query_segments == batch.segments);
  CHECK(batch.query_rows == Numbers{0, 1, 2, 3});
  CHECK(lengths(batch.target_segments) == Numbers{1, 1, 1, 1});
}

TEST_CASE("histories without targets, also of a user outside the log") {
  const auto log = small();
  Batch batch;
  batch.assign_every_position(log, std::vector<Example>{{1, 2, 5, 6}});
  batch.assign_histories(log, std::vector<Example>{{1, 1, 4, 4}, {2, 0, 0, 0}});
  CHECK(batch.items == Numbers{1, 2, 2});
  CHECK(batch.ages == Numbers{2, 1, 0});
  CHECK(batch.query_rows == Numbers{2, -1});
  CHECK(batch.targets.empty());
  CHECK(batch.target_segments.count() == 0);

  const std::vector<std::int32_t> items = {4, 3, 3, 1};
  const std::vector<std::int64_t> times = {1, 7, 7, 7};
  batch.assign_history({.items = items, .times = times}, 3);
  CHECK(batch.items == Numbers{3, 3, 1});
  CHECK(batch.ages == Numbers{0, 0, 0});
  CHECK(batch.query_rows == Numbers{2});
  batch.assign_history({.items = items}, 10);
  CHECK(batch.ages == Numbers{3, 2, 1, 0});
  batch.assign_history({}, 10);
  CHECK(lengths(batch.segments) == Numbers{0});
  CHECK(batch.query_rows == Numbers{-1});
}

TEST_CASE("kinds and times stay with their items when baskets are shuffled") {
  InteractionsBuilder builder({.times = true, .kinds = true});
  // The kind of item x is "x" for every event, so that the two can be compared.
  for (const auto& [item, time] : std::vector<std::pair<const char*, int>>{
           {"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}, {"b", 2}, {"a", 2}, {"e", 2}, {"c", 7}}) {
    builder.add("u", item, time, 0, item);
  }
  const Interactions log = std::move(builder).build();
  Batch batch;
  const std::vector<Example> examples{{0, 0, 8, 9}, {0, 0, 0, 5}, {0, 3, 6, 8}};
  std::size_t moved = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    batch.assign_next_basket(log, examples, Random(seed));
    CHECK(batch.kinds == batch.items);
    CHECK(batch.times == std::vector<double>{1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 2});
    moved += batch.items != Numbers{0, 1, 2, 3, 4, 1, 0, 4, 3, 4, 1};
  }
  CHECK(moved > 10);
  batch.assign_every_position(log, std::span(examples).last(1));
  CHECK(batch.kinds == Numbers{3, 4, 1});
  CHECK(batch.times == std::vector<double>{1, 1, 2});
  batch.assign_histories(log, examples);
  CHECK(batch.kinds.size() == 11);

  const std::vector<std::int32_t> items = {4, 3, 1}, kinds = {0, 2, 1};
  const std::vector<std::int64_t> times = {1, 7, 8};
  batch.assign_history({.items = items, .times = times, .time_unit = {3}}, 2);
  CHECK(batch.times == std::vector<double>{0.007, 0.008});  // in seconds
  batch.assign_history({.items = items, .times = times, .kinds = kinds}, 2);
  CHECK(batch.kinds == Numbers{2, 1});
  CHECK(batch.times == std::vector<double>{7, 8});
  batch.assign_history({.items = items}, 2);
  CHECK(batch.items == Numbers{3, 1});
  CHECK(batch.kinds.empty());
  CHECK(batch.times.empty());
  CHECK_THROWS_AS(batch.assign_history({.items = items, .times = std::span(times).first(2)}, 2), ShapeError);
  CHECK_THROWS_AS(batch.assign_history({.items = items, .kinds = std::span(kinds).first(1)}, 2), ShapeError);
  const History known{.items = items, .times = times}, unknown{.items = items};
  CHECK_THROWS_AS(batch.assign_histories(std::vector{known, unknown}, 2), ShapeError);
  CHECK_THROWS_AS(batch.assign_history(known, -1), OptionError);
  CHECK(batch.items == Numbers{3, 1});                       // unchanged
  batch.assign_histories(std::vector{known, {}, known}, 2);  // an empty history need not have times
  CHECK(batch.items == Numbers{3, 1, 3, 1});
  CHECK(batch.times == std::vector<double>{7, 8, 7, 8});
  CHECK(batch.query_rows == Numbers{1, -1, 3});

  const auto plain = small(false);
  batch.assign_histories(plain, std::vector<Example>{{1, 1, 4, 4}});
  CHECK(batch.kinds.empty());
  CHECK(batch.times.empty());
}

TEST_CASE("refilling a batch does not allocate") {
  auto log = small();
  log.kinds.assign(log.items.size(), 1);
  const std::vector<Example> examples{{1, 0, 6, 7}, {2, 0, 0, 1}, {1, 0, 3, 6}, {2, 0, 1, 2}};
  Batch batch;
  const auto fill = [&] {
    batch.assign_next_basket(log, examples, Random(1));
    batch.assign_every_position(log, std::span(examples).first(1));
    batch.assign_history(log.user(1), 5);
  };
  fill();
  const std::size_t before = test::allocations();
  fill();
  CHECK(test::allocations() == before);
}

}  // namespace HEED_TEST_UNIT
