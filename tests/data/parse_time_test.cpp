// SPDX-License-Identifier: Apache-2.0
#include "heed/data/parse_time.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "heed/data/interactions.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using namespace heed;
using data::DecimalTime;
using data::detail::BadLine;
using data::detail::parse_time;

namespace {

DecimalTime decimal(std::int64_t digits, std::int32_t scale = 0, bool rounded = false) {
  DecimalTime out = digits;
  out.scale = scale;
  out.rounded = rounded;
  return out;
}
DecimalTime date(std::int64_t digits, std::int32_t scale = 0, bool rounded = false) {
  DecimalTime out = decimal(digits, scale, rounded);
  out.date = true;
  return out;
}

template <class Parse>
std::string error_of(const Parse& parse, const std::string& field) {
  try {
    parse(field);
  } catch (const BadLine& bad) {
    return bad.text;
  }
  return "no error";
}
std::string error_of(const std::string& field) {
  return error_of([](auto text) { parse_time(text); }, field);
}

DecimalTime formatted(const std::string& format, const std::string& field) {
  return data::detail::TimeParser({.format = format})(field);
}

}  // namespace

TEST_CASE("numbers are parsed exactly", "[data][time]") {
  CHECK(parse_time("1295344860") == decimal(1295344860));
  CHECK(parse_time("-9223372036854775808") == decimal(std::numeric_limits<std::int64_t>::min()));
  CHECK(parse_time("9223372036854775807") == decimal(std::numeric_limits<std::int64_t>::max()));
  CHECK(parse_time("20240301") == decimal(20240301));
  CHECK(parse_time("881250949.0") == decimal(881250949));
  CHECK(parse_time("1398765432.2500") == decimal(139876543225, 2));
  CHECK(parse_time("-1.5") == decimal(-15, 1));
  CHECK(parse_time("8.5e3") == decimal(8500));
  CHECK(parse_time("8.5e-3") == decimal(85, 4));
  CHECK(parse_time("1.390867200E9") == decimal(1390867200));
  CHECK(parse_time("1.390867200E+09") == decimal(1390867200));
  CHECK(parse_time("0.034482758620689655") == decimal(34482758620689655, 18));
  CHECK(parse_time(".5") == decimal(5, 1));
  CHECK(parse_time("5.") == decimal(5));
  CHECK(parse_time("00012.50") == decimal(125, 1));
  CHECK(parse_time("9e18") == decimal(9'000'000'000'000'000'000));
  for (const char* zero : {"0", "-0", "0.000", "-0.0", "0e999999999999999999999", "00000000000000000000000"}) {
    INFO(zero);
    CHECK(parse_time(zero) == decimal(0));
  }
}

TEST_CASE("digits beyond 64 bits are rounded down and marked", "[data][time]") {
  CHECK(parse_time("0.0344827586206896551724137931") == decimal(34482758620689655, 18, true));
  CHECK(parse_time("-0.0344827586206896551724137931") == decimal(-34482758620689656, 18, true));
  CHECK(parse_time("1398765432.12345678912345") == decimal(1398765432123456789, 9, true));
  CHECK(parse_time("1e-19") == decimal(0, 18, true));
  CHECK(parse_time("-1e-400") == decimal(-1, 18, true));
  CHECK(parse_time("1e-99999999999999999999") == decimal(0, 18, true));
  CHECK(parse_time("9223372036854775807.9") == decimal(std::numeric_limits<std::int64_t>::max(), 0, true));
  CHECK(parse_time("0." + std::string(100000, '3')) == decimal(333'333'333'333'333'333, 18, true));
  CHECK(parse_time("1398765432." + std::string(100000, '0')) == decimal(1398765432));
}

TEST_CASE("what is not a time is an error", "[data][time]") {
  for (const char* bad : {"",   "1 1", "abc", "12x",   "nan",  "inf", "-inf", "+1",      "-",     ".",
                          "1e", "1e+", "e5",  "1.2.3", "0x10", "1,5", "--1",  "2014-04", "10:51", "yesterday"}) {
    CHECK(error_of(bad) ==
          "wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"" + std::string(bad) + '"');
  }
  for (const char* large : {"1e400", "1e19", "9223372036854775808", "-9223372036854775809", "1e99999999999999999999",
                            "92233720368547758070000000000000000000"}) {
    CHECK_THAT(error_of(large), Contains("does not fit 64 bits"));
  }
  for (const char* bad : {"2014-04-07X", "2014-04-07 ", "2014-04-07T", "2014-04-07 10", "2014-04-07 10:5",
                          "2014-04-07 10:51:", "2014-04-07 10:51:09.", "2014-04-07 10:51:09 +2",
                          "2014-04-07 10:51:09+02:", "2014-04-07 10:51:09+25:00", "2014-04-07 10:51:09ZZ",
                          "2014-04-07Z", "201x-04-07", "2014-4-007 1:00", "2014-04-07 10:51:09+02:60"}) {
    CHECK_THAT(error_of(bad), Contains("wanted a date like") || Contains("wanted a time"));
  }
}

TEST_CASE("blanks around times are no part of them, and other dates name the option", "[data][time]") {
  data::detail::TimeParser parse, iso, format({.format = "%d.%m.%Y"});
  CHECK(parse(" 17 ") == decimal(17));
  CHECK(iso(" 1970-01-01") == date(0));
  CHECK(format("1.1.1970 ") == date(0));
  CHECK(error_of("12/1/2010 8:26") ==
        "wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"12/1/2010 8:26\" (--time-format "
        "%m/%d/%Y reads others)");
}

TEST_CASE("dates as in ISO 8601 are parsed exactly", "[data][time]") {
  CHECK(parse_time("1970-01-01") == date(0));
  CHECK(parse_time("2024-03-01T10:22:05Z") == date(1709288525));
  CHECK(parse_time("2024-03-01t10:22:05z") == date(1709288525));
  CHECK(parse_time("2024-03-01T10:22:05") == date(1709288525));
  CHECK(parse_time("2024-03-01 10:22") == date(1709288520));
  CHECK(parse_time("2014-04-07 10:51:09.277") == date(1396867869277, 3));
  CHECK(parse_time("2014-04-07 10:51:09,277000") == date(1396867869277, 3));
  CHECK(parse_time("2014-04-07 10:51:09.000") == date(1396867869));
  CHECK(parse_time("2014-04-07T10:51:09.123456789Z") == date(1396867869123456789, 9));
  CHECK(parse_time("2014-04-07T10:51:09.1234567891Z") == date(1396867869123456789, 9, true));
  CHECK(parse_time("9999-12-31T23:59:59.123456789") == date(2534023007991234567, 7, true));
  CHECK(parse_time("0001-01-01T00:00:00.123456789") == date(-6213559679987654322, 8, true));
  CHECK(parse_time("1969-12-31 23:59:59.25") == date(-75, 2));
  CHECK(parse_time("2010-12-01 08:26:00") == date(1291191960));
  CHECK(parse_time("2019-10-01 00:00:00 UTC") == date(1569888000));
  for (const char* zone : {"+02:00", "+0200", "+02", " +02:00", " +0200"}) {
    INFO(zone);
    CHECK(parse_time(std::string("2024-03-01T12:22:05") + zone) == date(1709288525));
  }
  CHECK(parse_time("2024-03-01T04:52:05-05:30") == date(1709288525));
  CHECK(parse_time("0001-01-01T00:00:00") == date(-62135596800));
  CHECK(parse_time("9999-12-31T23:59:59") == date(253402300799));
  CHECK(parse_time("0001-01-01T00:00:00+01:00") == date(-62135600400));
}

TEST_CASE("a fraction of a date has at most 18 decimals, rounded down", "[data][time]") {
  const std::string zeros(17, '0');
  CHECK(parse_time("1970-01-01 00:00:00." + zeros + "1") == date(1, 18));
  CHECK(parse_time("1970-01-01 00:00:00." + zeros + "0001") == date(0, 18, true));
}

TEST_CASE("a date that does not exist is an error", "[data][time]") {
  for (const char* bad : {"2023-02-29", "2024-02-30", "1900-02-29", "2023-04-31", "2023-13-01", "2023-00-01",
                          "2023-01-00", "0000-01-01", "2023-01-01 24:00:00", "2023-01-01 25:00:00",
                          "2023-01-01 10:60:00", "2023-01-01 10:00:60", "0000-00-00 00:00:00"}) {
    CHECK(error_of(bad) == "there is no date \"" + std::string(bad) + '"');
  }
  for (const char* leap : {"2024-02-29", "2000-02-29", "0004-02-29"}) CHECK(error_of(leap) == "no error");
}

TEST_CASE("dates of a given format", "[data][time]") {
  CHECK(formatted("%m/%d/%Y %H:%M", "12/1/2010 8:26") == date(1291191960));
  CHECK(formatted("%d.%m.%y", "07.04.14") == date(1396828800));
  CHECK(formatted("%d.%m.%y", "07.04.69") == date(-23241600));
  CHECK(formatted("%Y%m%d", "20140407") == date(1396828800));
  CHECK(formatted("%Y%m%dT%H%M%S%z", "20140407T125109+0200") == date(1396867869));
  CHECK(formatted("%a %b %d %H:%M:%S %z %Y", "Mon Apr 07 10:51:09 +0000 2014") == date(1396867869));
  CHECK(formatted("%d %b %Y", "7   april 2014") == date(1396828800));
  CHECK(formatted("%d-%b-%Y", "07-MAY-2014") == date(1399420800));
  CHECK(formatted("%Y-%m-%d %H:%M:%S", "2014-04-07 10:51:09.277") == date(1396867869277, 3));
  CHECK(formatted("%Y-%m-%d %H:%M:%S.%f", "2014-04-07 10:51:09.2770") == date(1396867869277, 3));
  CHECK(formatted("%m/%d/%Y %I:%M %p", "4/7/2014 12:51 AM") == date(1396831860));
  CHECK(formatted("%m/%d/%Y %I:%M %p", "4/7/2014 12:51 pm") == date(1396875060));
  CHECK(formatted("%m/%d/%Y %I:%M%p", "4/7/2014 1:51pm") == date(1396878660));
  CHECK(formatted("%Y%%%m%%%d", "2014%04%07") == date(1396828800));

  const auto error = [](const std::string& format, const std::string& field) {
    return error_of([&](const std::string& text) { formatted(format, text); }, field);
  };
  CHECK(error("%m/%d/%Y", "4/7/2014 8:26") == R"(wanted a time like "%m/%d/%Y", got "4/7/2014 8:26")");
  CHECK(error("%m/%d/%Y", "30/4/2014") == R"(there is no date "30/4/2014")");
  CHECK(error("%m/%d/%Y", "2/29/2023") == R"(there is no date "2/29/2023")");
  for (const char* bad :
       {"", "4", "4/7", "4/7/", "/7/2014", "4-7-2014", "x/7/2014", "004/7/2014", "1396828800", "4/7/14"}) {
    CHECK_THAT(error("%m/%d/%Y", bad), Contains("wanted a time like"));
  }
  CHECK_THAT(error("%m/%d/%Y %I:%M %p", "4/7/2014 13:51 pm"), Contains("wanted a time like"));
  CHECK_THAT(error("%d %b %Y", "7 Avril 2014"), Contains("wanted a time like"));
}

TEST_CASE("a format that gives no date is an error at once", "[data][time]") {
  const auto refused = [](const std::string& format) {
    CHECK_THROWS_AS(data::detail::TimeParser({.format = format}), OptionError);
  };
  for (const char* format : {"%", "%Y-%m-%d %", "%Q", "%Y-%m", "%H:%M", "%m/%d", "date", "%Y-%m-%d %d", "%Y-%y-%m-%d",
                             "%Y-%m-%d %H %p", "%Y-%m-%d %I", "%Y-%m-%d %H %I %p"}) {
    INFO(format);
    refused(format);
  }
  CHECK_THROWS_WITH(data::detail::TimeParser({.format = "%Y-%m-%d %j"}),
                    Contains(R"("%j" in "%Y-%m-%d %j", wanted %Y %y)"));
}

TEST_CASE("a file has either numbers or dates", "[data][time]") {
  data::detail::TimeParser parse;
  parse("17");
  CHECK_THAT(error_of([&](auto text) { parse(text); }, "2014-04-07"),
             Contains("before were numbers, got \"2014-04-07\""));
  CHECK(parse("18.5") == decimal(185, 1));
  data::detail::TimeParser dates;
  CHECK_THAT(error_of([&](auto text) { dates(text); }, "x"), Contains("wanted a time"));  // decides nothing
  dates("2014-04-07");
  CHECK_THAT(error_of([&](auto text) { dates(text); }, "17"), Contains("before were dates, got \"17\""));
}

TEST_CASE("a log of dates without time of day has a basket per day", "[data][time]") {
  data::InteractionsBuilder builder({.times = true});
  data::detail::TimeParser parse;
  for (const char* day : {"2014-04-08", "2014-04-07", "2014-04-07", "2014-04-08"}) builder.add("u", "a", parse(day));
  const data::Interactions log = std::move(builder).build();
  CHECK(log.baskets(0) == std::vector<Index>{0, 2, 4});
  CHECK(log.time_unit == data::TimeUnit{});
}

TEST_CASE("parsing a time does not allocate", "[data][time]") {
  data::detail::TimeParser numbers, dates, others({.format = "%m/%d/%Y %H:%M"});
  CHECK(test::warm_allocations([&] {
          numbers("1398765432.25");
          dates("2014-04-07 10:51:09.277+02:00");
          others("12/1/2010 8:26");
        }) == 0);
}

}  // namespace HEED_TEST_UNIT
