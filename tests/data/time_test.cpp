// SPDX-License-Identifier: Apache-2.0
#include "heed/data/time.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "heed/data/k_core.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using namespace heed;
using data::DecimalTime;
using data::TimeUnit;
using Times = std::vector<std::int64_t>;

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                       least = std::numeric_limits<std::int64_t>::min();

DecimalTime decimal(std::int64_t digits, std::int32_t scale, bool date = false) {
  DecimalTime out = digits;
  out.scale = scale;
  out.date = date;
  return out;
}

struct Settled {
  Times times;
  std::int32_t decimals;
  data::TimeReport report;
};

/// Settles the times, and checks that another order gives the same.
Settled settled(std::vector<DecimalTime> times, const std::optional<TimeUnit>& unit = {}) {
  const auto once = [&] {
    data::detail::TimeColumn column;
    for (const DecimalTime& time : times) column.add(time);
    TimeUnit found;
    Settled out;
    out.times = column.settle(unit, found, out.report);
    out.decimals = found.decimals;
    return out;
  };
  const Settled out = once();
  std::reverse(times.begin(), times.end());
  Settled other = once();
  std::reverse(other.times.begin(), other.times.end());
  CHECK(other.times == out.times);
  CHECK(other.decimals == out.decimals);
  CHECK(other.report.file_unit == out.report.file_unit);
  CHECK(other.report.rounded == out.report.rounded);
  return out;
}

}  // namespace

TEST_CASE("the unit of whole numbers is found from the largest one", "[data][time]") {
  const auto decimals = [](std::int64_t time) { return settled({5, time, 0}).decimals; };
  CHECK(decimals(1'396'867'869) == 0);
  CHECK(decimals(99'999'999'999) == 0);
  CHECK(decimals(100'000'000'000) == 3);
  CHECK(decimals(-1'396'867'869'277) == 3);
  CHECK(decimals(99'999'999'999'999) == 3);
  CHECK(decimals(100'000'000'000'000) == 6);
  CHECK(decimals(99'999'999'999'999'999) == 6);
  CHECK(decimals(100'000'000'000'000'000) == 9);
  CHECK(decimals(most) == 9);
  CHECK(decimals(least) == 9);
  CHECK(settled({5, least, most}).times == Times{5, least, most});
  CHECK(settled({}).decimals == 0);
  const Settled given = settled({1'396'867'869'277, 7}, TimeUnit{0});
  CHECK(given.decimals == 0);
  CHECK(given.times == Times{1'396'867'869'277, 7});
  CHECK(settled({7}, TimeUnit{6}).decimals == 6);
  CHECK_THROWS_WITH(settled({7}, TimeUnit{19}), Contains("19 decimals, wanted 0 to 18"));
  CHECK_THROWS_AS(settled({7}, TimeUnit{-1}), OptionError);
}

TEST_CASE("fractions of a second add as many decimals as they need", "[data][time]") {
  const Settled quarter = settled({decimal(139'876'543'225, 2), 1'398'765'432, decimal(-5, 1)});
  CHECK(quarter.decimals == 2);
  CHECK(quarter.times == Times{139'876'543'225, 139'876'543'200, -50});
  CHECK(quarter.report.rounded == 0);
  const Settled of_milliseconds = settled({decimal(13'987'654'325'005, 1), 1'398'765'432'501});
  CHECK(of_milliseconds.decimals == 4);
  CHECK(of_milliseconds.report.file_unit == TimeUnit{3});
  CHECK(of_milliseconds.times == Times{13'987'654'325'005, 13'987'654'325'010});
  const Settled nano = settled({decimal(1'398'765'432'123'456'789, 9), 1'398'765'432});
  CHECK(nano.decimals == 9);
  CHECK(nano.report.rounded == 0);
  const Settled scaled = settled({decimal(34'482'758'620'689'655, 18), 1, 0});
  CHECK(scaled.decimals == 18);
  CHECK(scaled.times == Times{34'482'758'620'689'655, 1'000'000'000'000'000'000, 0});
}

TEST_CASE("decimals that 64 bits do not hold are rounded down, in order, and counted", "[data][time]") {
  const Settled out = settled({decimal(16, 18), decimal(-17, 18), decimal(5, 1), 1'398'765'432});
  CHECK(out.decimals == 9);
  CHECK(out.times == Times{0, -1, 500'000'000, 1'398'765'432'000'000'000});
  CHECK(out.report.rounded == 2);
  DecimalTime parsed = 7;  // rounded while it was parsed
  parsed.rounded = true;
  CHECK(settled({parsed, 8}).report.rounded == 1);
  const Settled full = settled({decimal(5, 1), most / 10 + 1});
  CHECK(full.decimals == 9);  // nanoseconds, and not a decimal more
  CHECK(full.times == Times{0, most / 10 + 1});
  CHECK(full.report.rounded == 1);
  CHECK(settled({decimal(least, 18), 9}).decimals == 18);
  CHECK(settled({decimal(least, 18), 10}).decimals == 17);
}

TEST_CASE("dates are seconds whatever their range, and do not mix with numbers", "[data][time]") {
  const Settled far = settled({decimal(253'402'300'799, 0, true), decimal(5, 1, true)});
  CHECK(far.decimals == 1);
  CHECK(far.report.dates);
  CHECK(far.times == Times{2'534'023'007'990, 5});
  const auto error = [](const std::vector<DecimalTime>& times, const std::optional<TimeUnit>& unit = {}) {
    data::detail::TimeColumn column;
    for (const DecimalTime& time : times) column.add(time);
    TimeUnit found;
    data::TimeReport report;
    try {
      column.settle(unit, found, report);
    } catch (const OptionError& wrong) {
      return std::string(wrong.what());
    }
    return std::string();
  };
  CHECK(error({1, 2, decimal(3, 0, true)}) ==
        "InteractionsBuilder: the time of event 1 is a number, that of event 3 a date");
  CHECK_THAT(error({decimal(3, 0, true), 1}), Contains("event 2 is a number, that of event 1 a date"));
  CHECK_THROWS_AS(error({decimal(3, 19)}), OptionError);
  CHECK_THROWS_AS(error({decimal(3, -1)}), OptionError);
  CHECK_THAT(error({decimal(3, 0, true)}, TimeUnit{3}), Contains("dates, which have no unit, got milliseconds"));
}

TEST_CASE("a log has one unit, and its parts keep it", "[data][time]") {
  data::InteractionsBuilder builder({.times = true});
  builder.add("u", "a", decimal(15, 1));
  builder.add("u", "b", decimal(125, 2));
  builder.add("v", "a", 1);
  data::TimeReport report;
  const data::Interactions log = std::move(builder).build(&report);
  CHECK(log.time_unit == TimeUnit{2});
  CHECK(log.times == Times{125, 150, 100});  // fractions order the events of a user
  CHECK(log.user(0).time_unit == TimeUnit{2});
  CHECK(log.user(0).first(1).time_unit == TimeUnit{2});
  const data::Events others = log.user(0).without(0);
  CHECK(others.history().time_unit == TimeUnit{2});
  CHECK(data::filter(log, [](data::Id, std::size_t e) { return e > 0; }).time_unit == TimeUnit{2});
  CHECK(data::k_core(log, {.users = 1, .items = 1}).time_unit == TimeUnit{2});
  CHECK(data::renumber_items(log, log.catalogue.items).time_unit == TimeUnit{2});
  CHECK(report.rounded == 0);
}

TEST_CASE("times are converted exactly or not at all", "[data][time]") {
  using data::convert_time;
  CHECK(convert_time(-1500, {3}, {4}) == -15'000);
  CHECK(convert_time(-1500, {3}, {2}) == -150);
  CHECK(convert_time(-1500, {3}, {0}) == std::nullopt);
  CHECK(convert_time(most, {9}, {9}) == most);
  CHECK(convert_time(most, {0}, {1}) == std::nullopt);
  CHECK(convert_time(9, {0}, {18}) == 9'000'000'000'000'000'000);
  CHECK(convert_time(-10, {0}, {18}) == std::nullopt);
  CHECK_THROWS_AS(convert_time(1, {0}, {19}), OptionError);
}

TEST_CASE("whole seconds are the same number of seconds in every unit", "[data][time]") {
  for (const auto& [name, unit] : data::time_units()) {
    INFO(name);
    for (const std::int64_t seconds : {0, -1, 7, 1'398'765'433, -1'398'765'433}) {
      const auto ticks = data::convert_time(seconds, {}, unit);
      REQUIRE(ticks);
      CHECK(data::seconds_of(*ticks, unit) == static_cast<double>(seconds));
    }
  }
  CHECK(data::seconds_of(1'500, {3}) == 1.5);
  CHECK(data::seconds_of(-1'500, {3}) == -1.5);
  CHECK(data::seconds_of(most, {}) == static_cast<double>(most));
}

TEST_CASE("times as text", "[data][time]") {
  using data::time_text;
  CHECK(time_text(0, {}) == "1970-01-01 00:00:00");
  CHECK(time_text(1'396'867'869'277, {3}) == "2014-04-07 10:51:09.277");
  CHECK(time_text(1'396'867'869'270'000'000, {9}) == "2014-04-07 10:51:09.27");
  CHECK(time_text(-1, {3}) == "1969-12-31 23:59:59.999");
  CHECK(time_text(-62'135'596'800, {}) == "0001-01-01 00:00:00");
  CHECK(time_text(253'402'300'799'999, {3}) == "9999-12-31 23:59:59.999");
  CHECK(time_text(253'402'300'800, {}) == "253402300800 seconds");
  CHECK(time_text(-62'135'596'801, {}) == "-62135596801 seconds");
  CHECK(time_text(least, {}) == "-9223372036854775808 seconds");
  CHECK(time_text(least, {18}) == "1969-12-31 23:59:50.776627963145224192");
  CHECK(time_text(least, {9}) == "1677-09-21 00:12:43.145224192");
  CHECK(data::unit_text({9}) == "nanoseconds");
  CHECK(data::unit_text({4}) == "10^-4 seconds");
}

}  // namespace HEED_TEST_UNIT
