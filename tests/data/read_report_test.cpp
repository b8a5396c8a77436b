// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_report.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed::data;

TEST_CASE("malformed records throw or are counted by reason", "[data][read_report]") {
  std::vector<std::string> good;
  const auto parse = [&](LineReader& lines) {
    if (lines.line().starts_with("bad")) throw detail::BadLine{heed::message("wanted a, got ", lines.line())};
    if (lines.line() == "worse") throw detail::BadLine{"it says so"};
    good.emplace_back(lines.line());
  };
  const std::string text = "a\n\n  \nbad\nb\nworse\nbad2\n";
  std::istringstream strict(text), lenient(text);
  ReadReport report;
  LineReader lines(strict, "x.tsv");
  CHECK_THROWS_WITH(detail::read_records(lines, "reading", {}, report, parse), "reading: x.tsv:4: wanted a, got bad");
  good.clear();
  report = {};
  LineReader again(lenient, "x.tsv");
  detail::read_records(again, "reading", {.skip_bad_lines = true}, report, parse);
  CHECK(good == std::vector<std::string>{"a", "b"});
  CHECK(report.lines == 7);
  CHECK(report.skipped_lines == 3);
  REQUIRE(report.skipped.size() == 2);
  CHECK(report.skipped[0].reason == "wanted a");
  CHECK(report.skipped[0].count == 2);
  CHECK(report.skipped[0].first == "x.tsv:4: wanted a, got bad");
  CHECK(report.skipped[1].first == "x.tsv:6: it says so");
}

TEST_CASE("reasons are bounded", "[data][read_report]") {
  ReadReport report;
  for (int i = 0; i < 100; ++i) report.skip(std::to_string(i), "first " + std::to_string(i));
  CHECK(report.skipped.size() == 17);
  CHECK(report.skipped_lines == 100);
  CHECK(report.skipped.back().reason == "other");
  CHECK(report.skipped.back().count == 84);
  CHECK(report.skipped.back().first == "first 16");
}

TEST_CASE("a report describes the log", "[data][read_report]") {
  InteractionsBuilder builder({.times = true, .kinds = true});
  builder.add("u", "a", 5, 0, "viewed");
  builder.add("u", "b", 5, 0, "viewed");
  builder.add("u", "a", 5, 0, "bought");
  builder.add("u", "a", 5, 0, "viewed");
  builder.add("u", "a", 7, 0, "viewed");
  builder.add("v", "a", -3, 0, "viewed");
  ReadReport report;
  detail::describe(std::move(builder).build(), report);
  CHECK(report.events == 6);
  CHECK(report.users == 2);
  CHECK(report.items == 2);
  CHECK(report.repeats == 1);
  CHECK(report.first_time == -3);
  CHECK(report.last_time == 7);

  InteractionsBuilder untimed({});
  untimed.add("u", "a");
  untimed.add("u", "a");
  detail::describe(std::move(untimed).build(), report);
  CHECK(report.repeats == 0);  // without times, nothing tells a repeat from another event
  CHECK_FALSE(report.first_time);
}

}  // namespace HEED_TEST_UNIT
