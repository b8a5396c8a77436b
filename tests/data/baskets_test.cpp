// SPDX-License-Identifier: Apache-2.0
#include "heed/data/baskets.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "heed/data/split.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::data;

/// A log of one user with these times; the items are a, b, ...
Interactions at_times(const std::vector<DecimalTime>& times) {
  InteractionsBuilder builder({.times = true});
  for (std::size_t i = 0; i < times.size(); ++i)
    builder.add("ann", std::string(1, static_cast<char>('a' + i)), times[i]);
  return std::move(builder).build();
}

DecimalTime date(std::int64_t seconds) {
  DecimalTime out(seconds);
  out.date = true;
  return out;
}

constexpr std::int64_t day = 86'400, most = std::numeric_limits<std::int64_t>::max();

TEST_CASE("the day of a time begins at midnight in UTC, in any unit", "[data][baskets]") {
  CHECK(day_of(0, {}) == 0);
  CHECK(day_of(day - 1, {}) == 0);
  CHECK(day_of(day, {}) == day);
  CHECK(day_of(-1, {}) == -day);
  CHECK(day_of(1000 * day + 1, {3}) == 1000 * day);
  CHECK(day_of(most, {18}) == 0);  // nine seconds
  CHECK_THROWS_WITH(day_of(-1, {18}), "day_of: 64 bits do not hold the beginning of the day of -1 in 10^-18 seconds");
  CHECK_THROWS_AS(day_of(-most, {}), OptionError);
  CHECK_THROWS_AS(day_of(0, {19}), OptionError);
}

TEST_CASE("days become baskets, and the last day tests", "[data][baskets]") {
  const Interactions log = at_times({10, day - 1, day, day + 5, 2 * day + 7, 2 * day + 9});
  CHECK(log.baskets(0).size() == 7);
  const Interactions days = days_as_baskets(log);
  CHECK(days.times == std::vector<std::int64_t>{0, 0, day, day, 2 * day, 2 * day});
  CHECK(days.baskets(0) == std::vector<Index>{0, 2, 4, 6});
  CHECK(days.items == log.items);
  CHECK(last_basket(days).validation_end == std::vector<Index>{4});
  CHECK(last_basket(days).train_end == std::vector<Index>{2});
  InteractionsBuilder untimed({});
  untimed.add("ann", "a");
  CHECK_THROWS_WITH(days_as_baskets(std::move(untimed).build()), "days_as_baskets: the log has no times");
}

TEST_CASE("events that share the time of another one of their user are counted", "[data][baskets]") {
  CHECK(shared_times(at_times({1, 1, 2, 3, 3, 3})) == 5);
  InteractionsBuilder builder({.times = true});
  for (const char* user : {"ann", "bob"}) builder.add(user, "a", 1);
  CHECK(shared_times(std::move(builder).build()) == 0);
}

TEST_CASE("dates without seconds that most events share are days, other times single events", "[data][baskets]") {
  const auto found = [](std::vector<DecimalTime> times) {
    const bool dates = times.front().date;
    return found_baskets(at_times(times), dates);
  };
  CHECK(found({date(0), date(day), date(2 * day)}) == Baskets::day);          // no time of day
  CHECK(found({date(60), date(60), date(120)}) == Baskets::day);              // two of three
  CHECK(found({date(60), date(60), date(120), date(180)}) == Baskets::none);  // half
  CHECK(found({date(61), date(61), date(61)}) == Baskets::none);              // seconds
  CHECK(found({60, 60, 60}) == Baskets::none);                                // numbers
  CHECK(found({0, day, day}) == Baskets::none);
  DecimalTime fraction = date(605);
  fraction.scale = 1;
  CHECK(found({fraction, fraction, fraction}) == Baskets::none);
  CHECK(found_baskets({}, true) == Baskets::none);
}

}  // namespace HEED_TEST_UNIT
