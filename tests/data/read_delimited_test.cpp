// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_delimited.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

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
  const Interactions log = read("user_id;item_id;time\n1;5;soon\n1;4;\n", {.delimiter = ";"});
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
  CHECK_THROWS_WITH(read(header + ",2,3,4\n", timed),
                    Catch::StartsWith("read_delimited: log.csv:2: the user is empty, as in 1 of 2 lines"));
  // A record over two lines is reported at its first line.
  CHECK_THROWS_WITH(
      read(header + "1,\"2\n2\",3,4\n1,\"2\n2\",x,4\n", timed),
      "read_delimited: log.csv:4: wanted a time (a number, or a date like 2014-04-07 10:51:09), got \"x\"");
  ReadReport report;
  const Interactions log =
      read(header + "1,2,3,4\n1,2,3\n1,2,nan,4\n1,3,3,4", timed, {.skip_bad_lines = true}, &report);
  CHECK(log.size() == 2);
  CHECK(report.skipped_lines == 2);
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
  CHECK_THROWS_WITH(read_inter("uid:token\titem_id:token\n1\t2\n"),
                    Catch::StartsWith("read_recbole: x.inter:1: no column \"user_id\" in the header"));
  CHECK_THROWS_WITH(read_inter("user_id:token\titem_id:token\n1\n"), "read_recbole: x.inter:2: wanted 2 fields, got 1");
}

TEST_CASE("kinds of event from a column", "[data][read_delimited]") {
  const Interactions log = read("user_id,item_id,what\n1,5,viewed\n1,4,bought\n2,5,viewed\n", {.kind = "what"});
  CHECK(log.kinds == std::vector<std::int32_t>{0, 1, 0});
  CHECK(log.catalogue.kinds.text(1) == "bought");
  CHECK_THROWS_WITH(read("user_id,item_id,what\n1,5,\n", {.kind = "what"}),
                    "read_delimited: log.csv:2: the kind is empty");
  CHECK_THROWS_WITH(read("user_id,item_id\n1,5\n", {.kind = "what"}), Catch::Contains("no column \"what\""));
}

TEST_CASE("the delimiter is found from the header", "[data][read_delimited]") {
  for (const std::string delimiter : {",", ";", "\t", "|", "::", " "}) {
    INFO(delimiter);
    ReadReport report;
    const Interactions log = read("user_id" + delimiter + "item_id\nu" + delimiter + "a\n", {}, {}, &report);
    CHECK(log.size() == 1);
    CHECK(report.delimiter == delimiter);
  }
  // Book-Crossing: quoted names, other delimiters in the rows.
  const Interactions log =
      read("\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"8\";\"0195153448\";\"0\"\n\"8\";\"a,b\";\"5\"\n",
           {.user = "User-ID", .item = "ISBN", .rating = "Book-Rating"});
  CHECK(log.catalogue.items.text(1) == "a,b");
}

TEST_CASE("a blank as the delimiter stands for any number of blanks and tabs", "[data][read_delimited]") {
  ReadReport report;
  const Interactions log =
      read("user_id  item_id\ttimestamp\n 1   7 \t 20\n2 7 5 \n", {.time = "timestamp"}, {}, &report);
  REQUIRE(log.size() == 2);
  CHECK(log.users.text(0) == "1");
  CHECK(log.user(0).times[0] == 20);
  CHECK(report.delimiter == " ");
  CHECK_THROWS_WITH(read("user_id item_id\n1 2 3\n"), "read_delimited: log.csv:2: wanted 2 fields, got 3");
  CHECK(read("1 7 x\n", {.columns = {"user_id", "item_id", "z"}}).size() == 1);
  // Quotes are for single blanks.
  CHECK(read("user_id item_id\n1 'a b'\n", {.delimiter = " ", .quote = '\''}).catalogue.items.text(0) == "a b");
}

TEST_CASE("comments before the header or the rows are counted, not read", "[data][read_delimited]") {
  ReadReport report;
  const DelimitedOptions konect{.columns = {"user", "item", "weight"}, .user = "user", .item = "item"};
  const Interactions log = read("% bip weighted\n% 2 1\n1 7 1\n2 7 5\n", konect, {}, &report);
  CHECK(log.num_users() == 2);
  CHECK(report.lines == 4);
  CHECK(report.comments == 2);
  CHECK(report.skipped_lines == 0);
  CHECK(read("# Nodes: 4\n1 7 1\n", konect).num_users() == 1);
  CHECK(read("sep=;\r\nuser_id;item_id\r\n1;7\r\n", {}, {}, &report).size() == 1);
  CHECK(report.comments == 1);
  // A header may begin with a hash; later lines are rows.
  CHECK(read("# user_id,item_id\n1,7\n", {.user = "# user_id"}).size() == 1);
  CHECK(read("user_id,item_id\n% 1,7\n").users.text(0) == "% 1");
}

TEST_CASE("a header is not a row", "[data][read_delimited]") {
  const auto columns = [](const char* user, const char* item) {
    return DelimitedOptions{.columns = {user, item}, .user = user, .item = item};
  };
  CHECK_THROWS_WITH(
      read("userId,movieId\n1,2\n", columns("u", "i")),
      "read_delimited: log.csv:1: wanted a row, got a header with \"userId\": --columns is for files without one");
  CHECK_THROWS_WITH(read("who,what\n1,2\n", columns("who", "what")),
                    "read_delimited: log.csv:1: wanted a row, got a header: --columns is for files without one");
  // Files that were joined.
  const std::string text = "user_id,item_id\n1,2\nuser_id,item_id\n3,4\n";
  CHECK_THROWS_WITH(read(text), "read_delimited: log.csv:3: wanted a row, got a header (joined files?)");
  ReadReport report;
  CHECK(read(text, {}, {.skip_bad_lines = true}, &report).num_users() == 2);
  CHECK(report.skipped_lines == 1);
  CHECK(read("user_id,item_id\nuser_id,2\n").size() == 1);
}

TEST_CASE("blanks around names of columns and numbers are no part of them", "[data][read_delimited]") {
  const Interactions log = read("user_id, item_id, rating , timestamp\n1,2, 4, 17 \n",
                                {.time = "timestamp", .rating = "rating"}, {.min_rating = 4});
  REQUIRE(log.size() == 1);
  CHECK(log.user(0).times[0] == 17);
}

TEST_CASE("a header that lacks a column shows what it has", "[data][read_delimited]") {
  CHECK_THROWS_WITH(read("a.user_id\ta.item_id\n1\t2\n"),
                    "read_delimited: log.csv:1: no column \"user_id\" in the header: \"a.user_id\", \"a.item_id\"");
  CHECK_THROWS_WITH(read("A1,17,5.0\n"),
                    "read_delimited: log.csv:1: no column \"user_id\" in the header: \"A1\", \"17\", \"5.0\" (no "
                    "header? --columns names them)");
}

TEST_CASE("the ending of the file says which delimiter is meant when the header does not", "[data][read_delimited]") {
  const auto width = [](const std::string& name) {
    std::istringstream in("a\tb,c,d\n");
    CHECK_THROWS_WITH(read_delimited({in, name}), Catch::Contains("no column \"user_id\""));
    std::istringstream again("a\tb,c,d\n");
    ReadReport report;
    try {
      read_delimited({again, name}, {.user = "z"});
    } catch (const heed::IoError& error) {
      return std::ranges::count(std::string(error.what()), '"') / 2 - 1;
    }
    return std::ptrdiff_t{0};
  };
  CHECK(width("log.csv") == 3);
  CHECK(width("log.tsv") == 2);
  CHECK(width("log.tsv.gz") == 2);
  CHECK(width("dir.tsv.d/log.csv") == 3);
  CHECK(width("dir.tsv.d/log") == 3);
}

TEST_CASE("RecBole's columns may be separated by others than tabs", "[data][read_delimited]") {
  for (const std::string delimiter : {",", " ", ";"}) {
    INFO(delimiter);
    const Interactions log = read_inter("user_id:token" + delimiter + "item_id:token" + delimiter +
                                        "timestamp:float\n1" + delimiter + "2" + delimiter + "17\n");
    CHECK(log.user(0).times[0] == 17);
  }
}

TEST_CASE("quotes between tabs are ordinary characters unless asked for", "[data][read_delimited]") {
  const std::string text = "user_id\titem_id\nu\t\"Heroes\nv\tb\nw\t\"c\"\n";
  ReadReport report;
  const Interactions plain = read(text, {}, {}, &report);
  CHECK(plain.size() == 3);
  CHECK(plain.catalogue.items.text(0) == "\"Heroes");
  CHECK(plain.catalogue.items.text(2) == "\"c\"");
  CHECK_THROWS_WITH(read(text, {.quote = '"'}), "read_delimited: log.csv:2: text follows a closing quote");
  CHECK(read("user_id,item_id\nu,\"a\n", {.quote = '\0'}).catalogue.items.text(0) == "\"a");
  CHECK(read("user_id,item_id\nu,'a,b'\n", {.quote = '\''}).catalogue.items.text(0) == "a,b");
}

TEST_CASE("one stray quote costs one line", "[data][read_delimited]") {
  std::string text = "user_id,item_id,artist\n";
  for (int i = 0; i < 5000; ++i) text += "u" + std::to_string(i) + (i == 70 ? ",a,\"Heroes\n" : ",a,Low\n");
  ReadReport report;
  CHECK(read(text, {}, {.skip_bad_lines = true}, &report).size() == 4999);
  CHECK(report.lines == 5001);
  CHECK(report.skipped_lines == 1);
  CHECK(report.skipped[0].first == "log.csv:72: a quoted field is not closed");
}

TEST_CASE("rows between two stray quotes are not lost silently", "[data][read_delimited]") {
  const std::string text = "user_id,item_id,artist\nu,a,\"Heroes\nv,b,Low\nw,c,Heroes\"\nx,d,Low\n";
  CHECK_THROWS_WITH(read(text), Catch::Contains("log.csv:2: wanted one row, got a quoted field over 3 lines"));
  ReadReport report;
  CHECK(read(text, {}, {.skip_bad_lines = true}, &report).size() == 3);
  CHECK(report.skipped_lines == 1);
}

TEST_CASE("files without a header", "[data][read_delimited]") {
  ReadReport report;
  const Interactions log = read("\n1::10::5::100\n1::11::4::90\n",
                                {.columns = {"user", "item", "rating", "time"},
                                 .user = "user",
                                 .item = "item",
                                 .time = "time",
                                 .rating = "rating"},
                                {}, &report);
  REQUIRE(log.size() == 2);
  CHECK(log.catalogue.items.text(log.user(0).items[0]) == "11");
  CHECK(log.user_ratings(0)[1] == 5.f);
  CHECK(report.lines == 3);
  CHECK(report.delimiter == "::");
  CHECK_THROWS_WITH(read("1,2\n", {.columns = {"a", "b"}}),
                    "read_delimited: log.csv: no column \"user_id\" in --columns: \"a\", \"b\"");
  CHECK_THROWS_WITH(read("1,2,3\n", {.columns = {"user_id", "item_id"}}),
                    "read_delimited: log.csv:1: wanted 2 fields, got 3");
}

TEST_CASE("typed columns are found by their names", "[data][read_delimited]") {
  const Interactions sessions = read_inter("session_id:token\titem_id:token\ttimestamp:float\n7\ta\t5\n");
  CHECK(sessions.users.text(0) == "7");
  CHECK(sessions.times == std::vector<std::int64_t>{5});
  CHECK(read("uid:token\titem_id:token\n1\t2\n", {.user = "uid"}).size() == 1);
  CHECK_THROWS_WITH(read("user_id,item_id,item_id:token\n1,2,3\n"), Catch::Contains("several columns \"item_id\""));
}

TEST_CASE("texts that are not UTF-8 are refused with their line", "[data][read_delimited]") {
  const std::string text = "user_id,item_id,kind,name\nu,a,k,n\nu,";
  CHECK_THROWS_WITH(read(text + "caf\xe9,k,n\n"),
                    "read_delimited: log.csv:3: wanted UTF-8 in the item, got "
                    "\"caf\\xe9\" (--encoding latin1?)");
  CHECK_THROWS_AS(read(text + "a,\xe9,n\n", {.kind = "kind"}), heed::IoError);
  CHECK_THROWS_AS(read(text + "a,k,\xe9\n", {.name = "name"}), heed::IoError);
  CHECK(read(text + "a,k,\xe9\n").size() == 2);  // not a column that is read
  std::istringstream in(text + "caf\xe9,k,n\n");
  CHECK(read_delimited({in, "log.csv", Encoding::latin1}).catalogue.items.text(1) == "caf\xc3\xa9");
}

TEST_CASE("names of items from a column of the log", "[data][read_delimited]") {
  const Interactions log = read("user_id,item_id,what\n1,5,\n1,5,FIVE\n2,5,another\n2,6,\n", {.name = "what"});
  CHECK(log.catalogue.items.name(0) == "FIVE");
  CHECK(log.catalogue.items.name(1) == "6");
}

TEST_CASE("JSON in the place of a header is named", "[data][read_delimited]") {
  CHECK_THROWS_WITH(read("{\"user_id\": \"s0\", \"item_id\": \"p3\"}\n"), Catch::Contains("--format jsonl"));
  CHECK_THROWS_WITH(read("{\"user\":\"s0\",\"item\":\"p3\"}\n"), Catch::Contains("--format jsonl"));
}

TEST_CASE("a wide header is not quoted whole", "[data][read_delimited]") {
  std::string header = "c0";
  for (int i = 1; i < 1000; ++i) header += ",c" + std::to_string(i);
  CHECK_THROWS_WITH(read(header + "\n"), Catch::EndsWith("\"c19\" and 980 more"));
}

}  // namespace HEED_TEST_UNIT
