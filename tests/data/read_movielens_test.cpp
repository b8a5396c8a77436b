// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_movielens.hpp"

#include <catch2/catch.hpp>

#include "data/read_text.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;

constexpr heed::test::TextReader<read_movielens> read_text{"ratings"};

TEST_CASE("the three formats of MovieLens give the same log", "[data][read_movielens]") {
  const Interactions data = read_text("196\t242\t3\t881250949\n186\t302\t3.5\t891717742\n196\t5\t1\t881250948\n");
  const Interactions dat = read_text("196::242::3::881250949\r\n186::302::3.5::891717742\n196::5::1::881250948");
  const Interactions csv = read_text(
      "userId,movieId,rating,timestamp\r\n196,242,3.0,881250949\r\n186,302,3.5,891717742\r\n196,5,1.0,881250948\r\n");
  for (const Interactions* log : {&data, &dat, &csv}) {
    REQUIRE(log->num_users() == 2);
    REQUIRE(log->size() == 3);
    CHECK(log->users.text(0) == "196");
    CHECK(log->catalogue.items.text(log->user(0).items[0]) == "5");  // sorted by time
    CHECK(log->user_ratings(0)[0] == 1.f);
    CHECK(log->user_ratings(0)[1] == 3.f);
    CHECK(log->user(0).times[1] == 881250949);
    CHECK(log->user_ratings(1)[0] == 3.5f);
  }
}

TEST_CASE("malformed ratings", "[data][read_movielens]") {
  CHECK_THROWS_WITH(read_text("1\t2\t3\t4\n1\t2\t3\n"), "read_movielens: ratings:2: wanted 4 fields, got 3");
  CHECK_THROWS_WITH(read_text("1::2::nan::4"), "read_movielens: ratings:1: wanted a finite rating, got \"nan\"");
  CHECK_THROWS_WITH(
      read_text("1::2::5::x"),
      "read_movielens: ratings:1: wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"x\"");
  CHECK_THROWS_WITH(read_text("1::::5::9"), "read_movielens: ratings:1: the item is empty");
  CHECK_THROWS_AS(read_text("user,item\n1,2\n"), heed::IoError);
  CHECK_THROWS_WITH(read_text("userId,movieId,rating,timestamp\n"),
                    "read_movielens: ratings: no interactions in the file");
  ReadReport report;
  CHECK(read_text("1::2::5::9\n1::3::inf::9\n", {.skip_bad_lines = true}, &report).size() == 1);
  CHECK(report.skipped_lines == 1);
}

TEST_CASE("ratings.csv with other columns or quoted names", "[data][read_movielens]") {
  const Interactions log = read_text("\"userId\",\"movieId\",\"rating\",\"timestamp\",\"x\"\n1,\"7\",5,9,\"a,b\"\n");
  CHECK(log.catalogue.items.text(0) == "7");
  CHECK_THROWS_WITH(read_text("userId,movieId,rating\n1,2,3\n"), Catch::Contains("no column \"timestamp\""));
}

}  // namespace HEED_TEST_UNIT
