// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_delimited.hpp"

#include <catch2/catch.hpp>
#include <sstream>

#include "heed/data/read_baskets.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;

namespace {

Interactions read(const std::string& text, const DelimitedOptions& columns = {}, const ReadOptions& options = {},
                  ReadReport* report = nullptr) {
  std::istringstream in(text);
  return read_delimited({in, "log.csv"}, columns, options, report);
}
Interactions read_inter(const std::string& text) {
  std::istringstream in(text);
  return read_recbole({in, "x.inter"});
}

}  // namespace

TEST_CASE("CSV with named columns", "[data][read_delimited]") {
  const std::string text =
      "when,what,\"who, really\",stars\r\n"
      "20,\"tea, \"\"black\"\"\",ann,5\r\n"
      "10,\"two\r\nlines\",ann,4.5\r\n"
      "7,x,bob,1";
  const DelimitedOptions columns{.user = "who, really", .item = "what", .time = "when", .rating = "stars"};
  const Interactions log = read(text, columns);
  REQUIRE(log.num_users() == 2);
  REQUIRE(log.size() == 3);
  CHECK(log.catalogue.items.text(log.user(0).items[0]) == "two\nlines");
  CHECK(log.catalogue.items.text(log.user(0).items[1]) == "tea, \"black\"");
  CHECK(log.user_ratings(0)[0] == 4.5f);
  CHECK(log.user(0).times[1] == 20);
}

TEST_CASE("columns that are not selected are not parsed", "[data][read_delimited]") {
  const Interactions log = read("user_id;item_id;time\n1;5;soon\n1;4;\n", {.delimiter = ';'});
  REQUIRE(log.size() == 2);
  CHECK(log.catalogue.items.text(log.user(0).items[0]) == "5");
  CHECK(log.times.empty());
  CHECK(log.ratings.empty());
}

TEST_CASE("malformed CSV", "[data][read_delimited]") {
  const DelimitedOptions timed{.time = "time", .rating = "rating"};
  const std::string header = "user_id,item_id,time,rating\n";
  CHECK_THROWS_WITH(read(""), "read_delimited: log.csv: the file is empty");
  CHECK_THROWS_WITH(read("user_id,item_id\n"), "read_delimited: log.csv: no interactions in the file");
  CHECK_THROWS_WITH(read("\nuser,item_id\n1,2\n"),
                    "read_delimited: log.csv:2: no column \"user_id\" in the header: \"user\", \"item_id\"");
  CHECK_THROWS_WITH(read("user_id,\"item_id\n"),
                    "read_delimited: log.csv:1: in the header: a quoted field is not closed");
  CHECK_THROWS_AS(read(header + "1,2,3,4\n", {.user = ""}), heed::OptionError);
  CHECK_THROWS_WITH(read(header + "1,2,3,4\n1,2,3\n", timed), "read_delimited: log.csv:3: wanted 4 fields, got 3");
  CHECK_THROWS_WITH(read(header + "1,2,99999999999999999999,4\n", timed),
                    "read_delimited: log.csv:2: the time \"99999999999999999999\" does not fit 64 bits");
  CHECK_THROWS_WITH(read(header + "1,2,3,1e99\n", timed),
                    "read_delimited: log.csv:2: wanted a finite rating, got \"1e99\"");
  CHECK_THROWS_WITH(read(header + ",2,3,4\n", timed), "read_delimited: log.csv:2: the user is empty");
  // A record over two lines is reported at its first line.
  CHECK_THROWS_WITH(
      read(header + "1,\"2\n2\",3,4\n1,\"2\n2\",x,4\n", timed),
      "read_delimited: log.csv:4: wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"x\"");
  ReadReport report;
  const Interactions log =
      read(header + "1,2,3,4\n1,2,3\n1,2,nan,4\n1,3,3,4", timed, {.skip_bad_lines = true}, &report);
  CHECK(log.size() == 2);
  CHECK(report.bad_lines == 2);
  CHECK(report.lines == 5);
}

TEST_CASE("RecBole's atomic files", "[data][read_delimited]") {
  const Interactions full = read_inter(
      "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n196\t\"q\t4\t881250948."
      "0\n");
  REQUIRE(full.size() == 2);
  CHECK(full.catalogue.items.text(full.user(0).items[0]) == "\"q");  // this format has no quotes
  CHECK(full.user_ratings(0)[0] == 4.f);
  CHECK(full.user(0).times[0] == 881250948);
  const Interactions bare = read_inter("item_id:token\tuser_id:token\n5\t1\n");
  CHECK(bare.users.text(0) == "1");
  CHECK(bare.times.empty());
  CHECK(bare.ratings.empty());
  CHECK_THROWS_WITH(read_inter("user_id\titem_id\n1\t2\n"),
                    Catch::StartsWith("read_recbole: x.inter:1: no column \"user_id:token\" in the header"));
  CHECK_THROWS_WITH(read_inter("user_id:token\titem_id:token\n1\n"), "read_recbole: x.inter:2: wanted 2 fields, got 1");
}

TEST_CASE("names of items", "[data][read_delimited]") {
  Vocabulary ids;
  ids.add("2");
  ids.add("unnamed");
  std::istringstream in("item_id\tstock_code\tdescription\n1\tA\tFIRST\n2\tB\t5\" \"NAIL\"\n");
  CHECK(read_names({in, "names.tsv"}, ids) == 1);
  CHECK(ids.size() == 2);
  CHECK(ids.name(0) == "5\" \"NAIL\"");
  CHECK(ids.name(1) == "unnamed");
  std::istringstream csv("id,title\n2,\"Heat, (1995)\"\n");
  CHECK(read_names({csv, "movies.csv"}, ids, {.delimiter = ',', .quote = '"', .id = "id", .name = "title"}) == 1);
  CHECK(ids.name(0) == "Heat, (1995)");
  std::istringstream other("id\tname\n1\tx\n");
  CHECK_THROWS_WITH(read_names({other, "o.tsv"}, ids),
                    "read_names: o.tsv:1: no column \"item_id\" in the header: \"id\", \"name\"");
}

TEST_CASE("kinds of event from a column", "[data][read_delimited]") {
  const Interactions log = read("user_id,item_id,what\n1,5,viewed\n1,4,bought\n2,5,viewed\n", {.kind = "what"});
  CHECK(log.kinds == std::vector<std::int32_t>{0, 1, 0});
  CHECK(log.catalogue.kinds.text(1) == "bought");
  CHECK_THROWS_WITH(read("user_id,item_id,what\n1,5,\n", {.kind = "what"}),
                    "read_delimited: log.csv:2: the kind is empty");
  CHECK_THROWS_WITH(read("user_id,item_id\n1,5\n", {.kind = "what"}), Catch::Contains("no column \"what\""));
}

TEST_CASE("a feature of items from a table", "[data][read_delimited]") {
  Interactions log = read("user_id,item_id\n1,a\n1,b\n1,c\n1,d\n");
  std::istringstream in("category\titem_id\nfood\tb\n\tc\nfood\tz\ntoys\td\nbooks\te\n");
  CHECK(read_item_features({in, "items.tsv"}, log) == 3);
  CHECK(log.catalogue.features.values == std::vector<std::int32_t>{-1, 0, -1, 1});
  CHECK(log.catalogue.features.names.size() == 2);  // only values of the log's items
  CHECK(log.catalogue.features.names.text(1) == "toys");
  std::istringstream bad("item_id,genre\na,x\nb\n");
  CHECK_THROWS_WITH(read_item_features({bad, "items.csv"}, log, {.delimiter = ',', .feature = "genre"}),
                    "read_item_features: items.csv:3: wanted 2 fields, got 1");
  CHECK(log.catalogue.features.names.text(1) == "toys");  // unchanged
}

TEST_CASE("every bundled product has a name", "[data][read_delimited]") {
  Interactions log = read_baskets(HEED_SOURCE_DIR "/examples/data/baskets.tsv");
  CHECK(read_names(HEED_SOURCE_DIR "/examples/data/products.tsv", log.catalogue.items) == 3659);
  CHECK(log.catalogue.items.name(log.catalogue.items.find("1")) == "INFLATABLE POLITICAL GLOBE");
}

}  // namespace HEED_TEST_UNIT
