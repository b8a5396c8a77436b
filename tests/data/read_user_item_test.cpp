// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_user_item.hpp"

#include <catch2/catch.hpp>
#include <sstream>

using namespace heed::data;

namespace {

Interactions read(const std::string& text, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  std::istringstream in(text);
  return read_user_item({in, "ui.txt"}, options, report);
}

}  // namespace

TEST_CASE("user item lines, one item or many", "[data][read_user_item]") {
  const Interactions one = read("1 a\n2 b\n1 c\n1 a\n");
  const Interactions many = read("1 a c a \r\n2\tb");
  for (const Interactions* log : {&one, &many}) {
    REQUIRE(log->num_users() == 2);
    REQUIRE(log->length(0) == 3);
    CHECK(log->item_ids.id(log->user(0)[0]) == "a");
    CHECK(log->item_ids.id(log->user(0)[1]) == "c");
    CHECK(log->user(0)[2] == log->user(0)[0]);
    CHECK(log->length(1) == 1);
    CHECK(log->times.empty());
  }
}

TEST_CASE("malformed user item lines", "[data][read_user_item]") {
  CHECK_THROWS_WITH(read("1 2\n3\n"), "read_user_item: ui.txt:2: user \"3\" has no item");
  CHECK_THROWS_WITH(read("1 2\n\t\n"), "read_user_item: ui.txt:2: the user is empty");
  CHECK_THROWS_WITH(read("\n\n"), "read_user_item: ui.txt: no interactions in the file");
  ReadReport report;
  CHECK(read("3\n1 2\n", {.skip_bad_lines = true}, &report).size() == 1);
  CHECK(report.bad_lines == 1);
}
