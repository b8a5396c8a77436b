// SPDX-License-Identifier: Apache-2.0
#include "heed/data/event_reader.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "data/read_text.hpp"
#include "heed/data/read_baskets.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;
using Catch::Matchers::Contains;

constexpr heed::test::TextReader<read_baskets> read_text{"b.tsv"};

TEST_CASE("lines without a user are counted, and an option says what to do with them", "[data][event_reader]") {
  const std::string text = "a\t1\tx\n\t1\tx y\nb\t1\tx\n\t2\tz\n";
  CHECK_THROWS_WITH(
      read_text(text),
      "read_baskets: b.tsv:2: the user is empty, as in 2 of 4 lines: --missing-user skip leaves them out");
  for (const ReadOptions& options :
       {ReadOptions{.missing_user = MissingUser::skip}, ReadOptions{.skip_bad_lines = true}}) {
    ReadReport report;
    CHECK(read_text(text, options, &report).size() == 2);
    CHECK(report.lines == 4);
    CHECK(report.skipped_lines == 2);
    REQUIRE(report.skipped.size() == 1);
    CHECK(report.skipped[0].reason == "no user");
    CHECK(report.skipped[0].first == "b.tsv:2: the user is empty");
  }
  // Other malformed lines remain errors.
  CHECK_THROWS_WITH(read_text("\t1\tx\na\n", {.missing_user = MissingUser::skip}),
                    Contains("b.tsv:2: wanted 3 fields"));
}

TEST_CASE("a text of blanks is empty", "[data][event_reader]") {
  for (const MissingUser missing : {MissingUser::error, MissingUser::keep}) {
    CHECK_THROWS_WITH(read_text("a\t1\tx\n    \t1\tx\n", {.missing_user = missing}),
                      Contains("b.tsv:2: the user is empty"));
  }
  CHECK(read_text("a\t1\tx\n    \t1\tx\n", {.missing_user = MissingUser::skip}).num_users() == 1);
  CHECK_THROWS_AS(detail::parse_id("  ", "item"), detail::BadLine);
}

TEST_CASE("texts for no value are no users, unless an option says that they are", "[data][event_reader]") {
  for (const std::string text : {"NULL", "null", "NA", "N/A", "<NA>", "NaN", "nan", "None", "\\N", " NULL  "}) {
    INFO(text);
    const std::string log = "a\t1\tx\n" + text + "\t1\tx\nb\t1\tx\n" + text + "\t2\tz\n";
    CHECK_THROWS_WITH(read_text(log), "read_baskets: b.tsv:2: the user is \"" +
                                          std::string(text == "\\N" ? "\\\\N" : text) +
                                          "\", as in 2 of 4 lines: --missing-user skip leaves them out, keep takes the "
                                          "text for a user");
    CHECK(read_text(log, {.missing_user = MissingUser::skip}).num_users() == 2);
    CHECK(read_text(log, {.missing_user = MissingUser::keep}).num_users() == 3);
  }
  for (const char* text : {"N", "NA1", "Nina", "none", "0", "nil"}) {
    CHECK(read_text(std::string(text) + "\t1\tx\n").users.text(0) == text);
  }
  CHECK_THROWS_WITH(read_text("\t1\tx\nb\t1\tx\n", {.missing_user = MissingUser::keep}),
                    Contains("b.tsv:1: the user is empty"));
}

TEST_CASE("a log without interactions says why", "[data][event_reader]") {
  CHECK_THROWS_WITH(read_text("", {}), "read_baskets: b.tsv: no interactions in the file");
  CHECK_THROWS_WITH(read_text("a\tx\tb\nb\ty\tc\n", {.skip_bad_lines = true}),
                    "read_baskets: b.tsv: no interactions in the file: 2 of 2 lines were skipped, the first because of "
                    "b.tsv:1: wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"x\"");
}

TEST_CASE("events of several files become one log, if they have the same columns", "[data][event_reader]") {
  std::istringstream a("u\t2\tx\n"), b("v\t1\ty\nu\t1\ty\n"), c("");
  LineReader first(a, "a"), second(b, "b"), third(c, "c");
  ReadReport report;
  detail::EventReader events("read", {}, &report);
  detail::read_baskets_into(first, events);
  detail::read_baskets_into(second, events);
  CHECK_THROWS_WITH(events.begin(third, {}), "read: c: wanted times, ratings and kinds in all files or in none");
  const Interactions log = events.finish();
  CHECK(log.size() == 3);
  CHECK(log.catalogue.items.text(log.user(0).items[0]) == "y");
  CHECK(report.lines == 3);
  CHECK(report.events == 3);
}

TEST_CASE("a rating equal to the threshold is kept, also where float rounds it down", "[data][event_reader]") {
  std::istringstream in("");
  LineReader lines(in, "log");
  detail::EventReader events("read", {.min_rating = 4.1}, nullptr);
  events.begin(lines, {.ratings = true});
  events.add({.user = "u", .item = "a", .rating = 4.1f});
  events.add({.user = "u", .item = "b", .rating = 4.0f});
  CHECK(events.finish().size() == 1);
}

TEST_CASE("a rating threshold needs ratings, and counts what it leaves out", "[data][event_reader]") {
  CHECK_THROWS_AS(read_text("a\t1\tx\n", {.min_rating = 4}), heed::OptionError);
  std::istringstream in("");
  LineReader lines(in, "log");
  ReadReport report;
  detail::EventReader events("read", {.min_rating = 3.5}, &report);
  events.begin(lines, {.ratings = true});
  events.add({.user = "u", .item = "a", .rating = 3});
  events.add({.user = "u", .item = "b", .rating = 3.5f, .name = "B"});
  events.add({.user = "u", .item = "b", .rating = 5, .name = "another"});
  const Interactions log = events.finish();
  CHECK(log.num_items() == 1);
  CHECK(log.size() == 2);
  CHECK(log.catalogue.items.name(0) == "B");
  CHECK(report.low_ratings == 1);
}

}  // namespace HEED_TEST_UNIT
