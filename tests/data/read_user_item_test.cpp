// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_user_item.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "data/read_text.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;

constexpr heed::test::TextReader<read_user_item> read_text{"ui.txt"};

TEST_CASE("user item lines with one or more items", "[data][read_user_item]") {
  const Interactions one = read_text("1 a\n2 b\n1 c\n1 a\n");
  const Interactions many = read_text("1 a c a \r\n2\tb");
  for (const Interactions* log : {&one, &many}) {
    REQUIRE(log->num_users() == 2);
    REQUIRE(log->length(0) == 3);
    CHECK(log->catalogue.items.text(log->user(0).items[0]) == "a");
    CHECK(log->catalogue.items.text(log->user(0).items[1]) == "c");
    CHECK(log->user(0).items[2] == log->user(0).items[0]);
    CHECK(log->length(1) == 1);
    CHECK(log->times.empty());
  }
}

TEST_CASE("malformed user item lines", "[data][read_user_item]") {
  CHECK_THROWS_WITH(read_text("1 2\n3\n"), "read_user_item: ui.txt:2: wanted a user and items, got user \"3\" alone");
  CHECK_THROWS_WITH(read_text("1 2\n\t\n"), Catch::StartsWith("read_user_item: ui.txt:2: the user is empty"));
  CHECK_THROWS_WITH(read_text("\n\n"), "read_user_item: ui.txt: no interactions in the file");
  ReadReport report;
  CHECK(read_text("3\n1 2\n", {.skip_bad_lines = true}, &report).size() == 1);
  CHECK(report.skipped_lines == 1);
}

TEST_CASE("comments before user item lines are counted, not read", "[data][read_user_item]") {
  ReadReport report;
  const Interactions log = read_text("% bip unweighted\n% 3 2 2\n# Nodes: 4\n1 2\n2 3\n", {}, &report);
  CHECK(log.num_users() == 2);
  CHECK(report.lines == 5);
  CHECK(report.comments == 3);
  CHECK(report.skipped_lines == 0);
  CHECK(read_text("1 2\n% 3\n").num_users() == 2);  // only before them
  CHECK(read_text("%a 2\n").num_users() == 1);
}

TEST_CASE("numbers of items are not users", "[data][read_user_item]") {
  // The files of citeulike-a: a line per user, without an id.
  std::string text;
  for (int i = 0; i < 10; ++i) text += i % 2 == 0 ? "3 7 8 9\n" : "2 7 9\n";
  CHECK_THROWS_WITH(read_text(text),
                    "read_user_item: ui.txt: wanted lines of a user and items, got the number of items first in each");
  CHECK(read_text(text + "u 7\n").num_users() == 3);
  CHECK(read_text("1 7\n2 7 8\n").num_users() == 2);
}

TEST_CASE("a header is not a user", "[data][read_user_item]") {
  for (const char* header : {"user_id item_id", "user\titem", "userId movieId rating", "user_id:token item_id:token",
                             "who what", "\"UserID\" \"ItemID\""}) {
    INFO(header);
    CHECK_THROWS_WITH(read_text(std::string(header) + "\n1 2\n"),
                      Catch::StartsWith("read_user_item: ui.txt:1: wanted a user and items, got a header"));
    ReadReport report;
    CHECK(read_text(std::string(header) + "\n1 2\n", {.skip_bad_lines = true}, &report).users.text(0) == "1");
    CHECK(report.skipped_lines == 1);
  }
  CHECK(read_text("ann tea\nbob jam\n").num_users() == 2);
  CHECK(read_text("u i\n").num_users() == 1);
  CHECK(read_text("user1 item1\n").num_users() == 1);
  CHECK(read_text("ann 7\n1 8\n").num_users() == 2);
}

}  // namespace HEED_TEST_UNIT
