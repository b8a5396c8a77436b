// SPDX-License-Identifier: Apache-2.0
#include "heed/io/detail/json_lines.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

namespace HEED_TEST_UNIT {

using namespace heed::data;
using heed::io::LogOptions;
using heed::io::detail::JsonMembers;

namespace {

Interactions read(const std::string& text, const LogOptions& options = {}, const ReadOptions& reading = {},
                  ReadReport* report = nullptr) {
  std::istringstream in(text);
  LineReader lines(in, "log.jsonl");
  detail::EventReader events("read_log", reading, report);
  heed::io::detail::read_json_lines_into(lines, options, events);
  return events.finish();
}

}  // namespace

TEST_CASE("reviews as JSON lines", "[io][json_lines]") {
  const LogOptions options{.user_column = "reviewerID",
                           .item_column = "asin",
                           .time_column = "unixReviewTime",
                           .rating_column = "overall",
                           .name_column = "meta.title"};
  const Interactions log = read(
      "{\"reviewerID\": \"s0\", \"asin\": \"p3\", \"overall\": 5.0, \"unixReviewTime\": 20, \"helpful\": [1, "
      "{\"asin\": 2}]}\n"
      "\n{\"meta\": {\"title\": \"B\\u00e9la, \\\"4\\\"\"}, \"asin\": \"p4\", \"reviewerID\": \"s0\", \"overall\": 4, "
      "\"unixReviewTime\": 10}\r\n",
      options);
  REQUIRE(log.size() == 2);
  CHECK(log.catalogue.items.name(log.user(0).items[0]) == "B\xc3\xa9la, \"4\"");
  CHECK(log.catalogue.items.name(log.user(0).items[1]) == "p3");
  CHECK(log.user(0).times[1] == 20);
  CHECK(log.user_ratings(0)[1] == 5.f);
}

TEST_CASE("members of objects by path", "[io][json_lines]") {
  JsonMembers members({"a", "a.b", "x.y.z", "n", "t", "", "missing"});
  members.read(
      "{\"a.b\": 12, \"x\": {\"q\": [{\"y\": 1}], \"y\": {\"z\": -3.50e2}}, \"n\": null, \"t\": true, \"\": 5}");
  CHECK(members[0].empty());
  CHECK(members[1] == "12");
  CHECK(members[2] == "-3.50e2");  // as it is written
  CHECK(members[3].empty());
  CHECK(members[4] == "true");
  CHECK(members[5].empty());
  CHECK(members[6].empty());
  members.read("{\"a\": \"text\", \"x\": {\"y\": {\"z\": 18446744073709551615}}}");
  CHECK(members[0] == "text");
  CHECK(members[1].empty());
  CHECK(members[2] == "18446744073709551615");
}

TEST_CASE("lines that are no such object are refused with their number", "[io][json_lines]") {
  const std::string good = "{\"user_id\": 1, \"item_id\": 2}\n";
  const auto refused = [&](const std::string& line, const std::string& why) {
    INFO(line);
    CHECK_THROWS_WITH(read(good + line + "\n"), Catch::StartsWith("read_log: log.jsonl:2: " + why));
    ReadReport report;
    CHECK(read(good + line + "\n", {}, {.skip_bad_lines = true}, &report).size() == 1);
    CHECK(report.skipped_lines == 1);
  };
  refused("nothing", "wanted a JSON object, got something else at byte ");
  refused("{\"user_id\": 1, \"item_id\": 2", "wanted a JSON object, got something else at byte ");
  refused("{\"user_id\": 1, \"item_id\": 2} {}", "wanted a JSON object, got something else at byte ");
  refused("{\"user_id\": 1, \"item_id\": \"\xe9\"}",
          "wanted a JSON object, got something else at byte 29 (--encoding latin1?)");
  refused("{\"user_id\": 1, \"item_id\": 1e999}", "wanted a JSON object, got something else at byte ");
  refused("[1, 2]", "wanted a JSON object, got an array");
  refused("{u'user_id': u'1', u'item_id': 2}",
          "wanted a JSON object, got something else at byte 2 (Python? print(json.dumps(ast.literal_eval(line))) "
          "converts it)");
  refused("7", "wanted a JSON object, got a value");
  refused("{\"user_id\": 1, \"item_id\": [2]}", "wanted a value, got a list or object \"item_id\"");
  refused("{\"user_id\": {\"item_id\": 3}}", "wanted a value, got a list or object \"user_id\"");
  refused("{\"user_id\": 1, \"item_id\": 2, \"item_id\": 3}", "wanted one member \"item_id\", got several");
  refused("{\"user_id\": 1}", "the item is empty");
  refused("{\"user_id\": 1, \"x\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}",
          "wanted at most 64 arrays and objects inside one another");
  CHECK_THROWS_WITH(read(good + "{\"item_id\": 2}\n{\"user_id\": null, \"item_id\": 3}\n"),
                    Catch::Contains("log.jsonl:2: the user is empty, as in 2 of 3 lines"));
}

}  // namespace HEED_TEST_UNIT
