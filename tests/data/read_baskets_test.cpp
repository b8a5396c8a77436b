// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_baskets.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "data/read_text.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;

constexpr heed::test::TextReader<read_baskets> read_text{"b.tsv"};

TEST_CASE("baskets", "[data][read_baskets]") {
  const Interactions log = read_text(
      "\xef\xbb\xbf"
      "7\t20\tx y x\r\n\r\n7\t10\tz\r\n9\t-5\t18446744073709551616");
  REQUIRE(log.num_users() == 2);
  CHECK(log.size() == 5);
  CHECK(log.baskets(0) == std::vector<heed::Index>{0, 1, 4});
  CHECK(log.catalogue.items.text(log.user(0).items[0]) == "z");
  CHECK(log.catalogue.items.text(log.user(0).items[3]) == "x");
  CHECK(log.catalogue.items.text(log.user(1).items[0]) == "18446744073709551616");
  CHECK(log.user(1).times[0] == -5);
  CHECK(log.ratings.empty());
}

TEST_CASE("malformed baskets", "[data][read_baskets]") {
  CHECK_THROWS_WITH(read_text("1\t2\ta\n1\tb\n"),
                    "read_baskets: b.tsv:2: wanted 3 fields (customer, time, items), got 2");
  CHECK_THROWS_WITH(
      read_text("1\tsoon\ta"),
      "read_baskets: b.tsv:1: wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"soon\"");
  CHECK_THROWS_WITH(read_text("\n1\t2\t "), "read_baskets: b.tsv:2: the basket is empty");
  CHECK_THROWS_WITH(read_text("\t2\ta"), Catch::StartsWith("read_baskets: b.tsv:1: the user is empty"));
  CHECK_THROWS_WITH(read_text(""), "read_baskets: b.tsv: no interactions in the file");
  CHECK_THROWS_AS(read_baskets("no/such/file"), heed::IoError);

  ReadReport report;
  const Interactions log = read_text("1\t2\ta b\n1\tsoon\tc\nnothing\n2\t2\tb\n", {.skip_bad_lines = true}, &report);
  CHECK(log.size() == 3);
  CHECK(log.num_items() == 2);  // nothing of a bad line is stored
  CHECK(report.lines == 4);
  CHECK(report.skipped_lines == 2);
  CHECK(report.skipped[0].first == "b.tsv:2: wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"soon\"");
  CHECK_THROWS_WITH(read_text("1\t2\ta b\xe9\n"), Catch::Contains("b.tsv:1: wanted UTF-8 in the basket"));
}

TEST_CASE("the bundled purchases", "[data][read_baskets]") {
  const Interactions log = read_baskets(HEED_SOURCE_DIR "/examples/data/baskets.tsv");
  CHECK(log.num_users() == 4334);
  CHECK(log.num_items() == 3659);
  CHECK(log.size() == 383920);
  std::size_t baskets = 0;
  for (heed::data::Id u = 0; u < log.num_users(); ++u) baskets += log.baskets(u).size() - 1;
  CHECK(baskets == 16678);
}

}  // namespace HEED_TEST_UNIT
