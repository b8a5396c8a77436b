// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_items.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "heed/data/read_baskets.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;

namespace {

/// A log of these items.
Interactions log_of(std::initializer_list<const char*> items) {
  InteractionsBuilder builder({});
  for (const char* item : items) builder.add("user", item);
  return std::move(builder).build();
}
heed::Index read_table(Interactions& log, const std::string& text, const ItemsOptions& options = {},
                       const ReadOptions& reading = {}, ItemsReport* report = nullptr) {
  std::istringstream in(text);
  return read_items({in, "items.tsv"}, log, options, reading, report);
}

}  // namespace

TEST_CASE("names of items", "[data][read_items]") {
  Interactions log = log_of({"2", "unnamed"});
  ItemsReport report;
  CHECK(read_table(log, "item_id\tstock_code\tdescription\n1\tA\tFIRST\n2\tB\t5\" \"NAIL\"\n", {}, {}, &report) == 1);
  CHECK(log.num_items() == 2);
  CHECK(log.catalogue.items.name(0) == "5\" \"NAIL\"");
  CHECK(log.catalogue.items.name(1) == "unnamed");
  CHECK(report.items == 2);
  CHECK(report.found == 1);
  CHECK(report.item_of_log == "unnamed");
  CHECK(report.item_of_table == "1");
  CHECK(report.table.lines == 3);
}

TEST_CASE("MovieLens' movies.csv", "[data][read_items]") {
  Interactions log = log_of({"6"});
  const std::string text = "movieId,title,genres\n5,x,y\n6,\"Heat, (1995)\",Action|Crime\n";
  CHECK(read_table(log, text, {.id = "movieId", .name = "title", .feature = "genres"}) == 1);
  CHECK(log.catalogue.items.name(0) == "Heat, (1995)");
  CHECK(log.catalogue.features.names.text(0) == "Action|Crime");
  CHECK_THROWS_WITH(read_table(log, "id\tname\n1\tx\n"),
                    "read_items: items.tsv:1: no column \"item_id\" in the header: \"id\", \"name\"");
}

TEST_CASE("the first row of an item counts, and further ones are counted", "[data][read_items]") {
  Interactions log = log_of({"a", "b"});
  ItemsReport report;
  const std::string text = "item_id,description,category\na,first,x\nb,other,y\na,second,z\nc,,\nc,,\n";
  CHECK(read_table(log, text, {.feature = "category"}, {}, &report) == 2);
  CHECK(log.catalogue.items.name(0) == "first");
  CHECK(log.catalogue.features.names.text(log.catalogue.features.values[0]) == "x");
  CHECK(log.catalogue.features.names.size() == 2);
  CHECK(report.repeats == 1);  // of items of the log
  CHECK(report.found == 2);
}

TEST_CASE("a feature of items from a table", "[data][read_items]") {
  Interactions log = log_of({"a", "b", "c", "d"});
  const ItemsOptions category{.feature = "category"};
  CHECK(read_table(log, "category\titem_id\nfood\tb\n\tc\nfood\tz\ntoys\td\nbooks\te\n", category) == 3);
  CHECK(log.catalogue.features.values == std::vector<Id>{-1, 0, -1, 1});
  CHECK(log.catalogue.features.names.size() == 2);  // only values of the log's items
  CHECK(log.catalogue.features.names.text(1) == "toys");
  CHECK_THROWS_WITH(read_table(log, "item_id,category,description\na,x,N\nb\n", {.feature = "category"}),
                    "read_items: items.tsv:3: wanted 3 fields, got 1");
  CHECK(log.catalogue.features.names.text(1) == "toys");  // unchanged
  CHECK_FALSE(log.catalogue.items.has_name(0));
}

TEST_CASE("a table with a feature may have names", "[data][read_items]") {
  Interactions log = log_of({"a"});
  read_table(log, "item_id,category,description\na,x,N\n", {.feature = "category"});
  CHECK(log.catalogue.items.name(0) == "N");
  CHECK_THROWS_WITH(read_table(log, "item_id,category\na,x\n", {.name = "title", .feature = "category"}),
                    Catch::Contains("no column \"title\""));
}

TEST_CASE("ids and names in a table must be UTF-8", "[data][read_items]") {
  Interactions log = log_of({"a"});
  CHECK_THROWS_WITH(read_table(log, "item_id,description\nb,caf\xe9\n"),
                    Catch::Contains("items.tsv:2: wanted UTF-8 in the name"));
  CHECK_THROWS_WITH(read_table(log, "item_id,description\n\xe9,b\n"),
                    Catch::Contains("items.tsv:2: wanted UTF-8 in the id"));
}

TEST_CASE("every bundled product has a name", "[data][read_items]") {
  Interactions log = read_baskets(HEED_SOURCE_DIR "/examples/data/baskets.tsv");
  CHECK(read_items(HEED_SOURCE_DIR "/examples/data/products.tsv", log) == 3659);
  CHECK(log.catalogue.items.name(log.catalogue.items.find("1")) == "INFLATABLE POLITICAL GLOBE");
}

}  // namespace HEED_TEST_UNIT
