// SPDX-License-Identifier: Apache-2.0
#include "heed/io/read_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/temporary.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::data::Interactions;
using heed::data::Vocabulary;
using heed::io::LogFormat;
using heed::io::LogOptions;
using heed::io::LogReport;
using heed::io::read_log;

namespace {

/// Written with zlib, so that the test requires no gzip program.
void write_gzip(const std::string& path, const std::string& bytes) {
  const gzFile file = ::gzopen(path.c_str(), "wb");
  REQUIRE(::gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  REQUIRE(::gzclose(file) == Z_OK);
}

/// Reads a text as a file.
Interactions read_text(const std::string& text, const LogOptions& options, LogReport* report = nullptr) {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log"), text);
  return read_log(folder.file("log"), options, report);
}

}  // namespace

TEST_CASE("every format reads the same events, compressed or not", "[io][read_log]") {
  const temporary::Folder folder;
  const std::map<LogFormat, std::string> texts{
      {LogFormat::baskets, "u\t1\ta b\nv\t2\tb\n"},
      {LogFormat::movielens, "u::a::5::1\nu::b::4::1\nv::b::3::2\n"},
      {LogFormat::recbole, "user_id:token\titem_id:token\ttimestamp:float\nu\ta\t1\nu\tb\t1\nv\tb\t2\n"},
      {LogFormat::user_item, "u a\nu b\nv b\n"},
      {LogFormat::csv, "user_id,item_id\nu,a\nu,b\nv,b\n"},
      {LogFormat::jsonl,
       "{\"user_id\":\"u\",\"item_id\":\"a\"}\n{\"item_id\":\"b\",\"user_id\":\"u\"}\n"
       "{\"user_id\":\"v\",\"item_id\":\"b\"}\n"}};
  CHECK(texts.size() == names(LogFormat()).size());
  for (const auto& [format, text] : texts) {
    CAPTURE(heed::enum_name(format));
    temporary::write_bytes(folder.file("log"), text);
    write_gzip(folder.file("log.gz"), text);
    write_gzip(folder.file("packed"), text);  // the name says nothing
    for (const char* file : {"log", "log.gz", "packed"}) {
      LogReport report;
      const auto log = read_log(folder.file(file), {.format = format}, &report);
      CHECK(log.num_users() == 2);
      CHECK(log.num_items() == 2);
      CHECK(log.size() == 3);
      CHECK(log.user(1).items.front() == log.item("b"));
      CHECK(report.log.users == 2);
      CHECK(report.log.items == 2);
      CHECK(report.log.events == 3);
    }
  }
}

TEST_CASE("the UCI file, 2,000 lines of it", "[io][read_log]") {
  const std::string path = HEED_SOURCE_DIR "/tests/io/online_retail/OnlineRetail.csv.gz";
  LogOptions options{.format = LogFormat::csv,
                     .user_column = "CustomerID",
                     .item_column = "StockCode",
                     .time_column = "InvoiceDate",
                     .name_column = "Description"};
  CHECK_THROWS_WITH(read_log(path, options), Contains("OnlineRetail.csv.gz:624: the user is empty, as in 533 of 2001 "
                                                      "lines: --missing-user skip leaves them out"));
  options.missing_user = heed::data::MissingUser::skip;
  LogReport report;
  const auto log = read_log(path, options, &report);
  CHECK(report.log.lines == 2001);
  CHECK(report.log.skipped_lines == 533);
  CHECK(report.log.delimiter == ",");
  CHECK(log.size() == 1467);
  CHECK(log.num_users() == 72);
  CHECK(log.num_items() == 780);
  // An invoice has many lines and one time, in minutes: the days are the baskets.
  using heed::data::Baskets;
  const auto user = log.users.find("17850");
  CHECK(report.baskets == Baskets::day);
  CHECK(report.shared_times == 1456);
  CHECK(log.baskets(user).size() == 2);
  CHECK(report.log.repeats == 144);
  CHECK(heed::data::time_text(report.log.first_time.value(), log.time_unit) == "2010-12-01 00:00:00");
  for (const Baskets asked : {Baskets::none, Baskets::time}) {
    options.basket = asked;
    const auto other = read_log(path, options, &report);
    CHECK(report.baskets == asked);
    CHECK(heed::data::time_text(report.log.first_time.value(), other.time_unit) == "2010-12-01 08:26:00");
    CHECK(other.baskets(other.users.find("17850")).size() == 11);
    CHECK(report.log.repeats == 79);
  }
  const auto name = [&](const char* item) { return log.catalogue.items.name(log.item(item)); };
  CHECK(name("85123A") == "WHITE HANGING HEART T-LIGHT HOLDER");
  CHECK(name("22041") == "RECORD FRAME 7\" SINGLE SIZE");
  CHECK(name("85071C") == "CHARLIE+LOLA\"EXTREMELY BUSY\" SIGN");
}

TEST_CASE("MovieLens' ratings.csv with movies.csv", "[io][read_log]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("ratings.csv"),
                         "userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n1,306,3.5,1147868817\n2,296,2,7\n");
  temporary::write_bytes(folder.file("movies.csv"),
                         "movieId,title,genres\n296,Pulp Fiction (1994),Crime\n306,\"Red, (1994)\",Drama\n9,x,y\n");
  LogOptions options{.format = LogFormat::movielens,
                     .name_column = "title",
                     .items = folder.file("movies.csv"),
                     .id_column = "movieId",
                     .feature_column = "genres"};
  LogReport report;
  const auto log = read_log(folder.file("ratings.csv"), options, &report);
  CHECK(log.catalogue.items.name(log.item("306")) == "Red, (1994)");
  CHECK(log.catalogue.features.names.text(0) == "Crime");
  CHECK(report.log.first_time == 7);
  CHECK(report.log.last_time == 1147880044);
  REQUIRE(report.items);
  CHECK(report.items->found == 2);
  REQUIRE(report.warnings.size() == 1);  // about the time 7
  CHECK_THAT(report.warnings[0], Contains("more than 30 years"));
  options.min_rating = 3;
  CHECK(read_log(folder.file("ratings.csv"), options, &report).num_users() == 1);
  CHECK(report.log.low_ratings == 1);
}

TEST_CASE("a table of items that does not fit the log is doubted", "[io][read_log]") {
  const temporary::Folder folder;
  const auto warnings_of = [&](const std::string& table) {
    temporary::write_bytes(folder.file("log.csv"), "user_id,item_id\nu,19.0\nu,20.0\nu,007\nv,x\n");
    temporary::write_bytes(folder.file("names.tsv"), "item_id\tdescription\n" + table);
    LogReport report;
    read_log(folder.file("log.csv"), {.format = LogFormat::csv, .items = folder.file("names.tsv")}, &report);
    return report.warnings;
  };
  const auto none = warnings_of("19\tA\n20\tB\n7\tC\n");
  REQUIRE(none.size() == 1);
  CHECK_THAT(none[0], Contains("names.tsv: 0 of 4 items have a name: is --id-column right?") &&
                          Contains("The log has \"19.0\", the table \"19\""));
  const auto few = warnings_of("x\tA\n20\tB\n");
  REQUIRE(few.size() == 1);
  CHECK_THAT(few[0], Contains("1 of 4 items have a name.") && Contains("\"19.0\", the table \"20\""));
  CHECK(warnings_of("x\tA\n19.0\tB\n").empty());
}

TEST_CASE("a table of items gives names and a feature, and bad lines of both files are counted", "[io][read_log]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log"), "u\t1\ta b\nu\tnever\tb\n");
  temporary::write_bytes(folder.file("items"), "item_id\tdescription\tcategory\na\tAPPLE\tfruit\nb\n");
  LogOptions options{.items = folder.file("items"), .feature_column = "category"};
  CHECK_THROWS_AS(read_log(folder.file("log"), options), heed::IoError);
  options.skip_bad_lines = true;
  LogReport report;
  const auto log = read_log(folder.file("log"), options, &report);
  CHECK(log.catalogue.items.name(log.item("a")) == "APPLE");
  CHECK(log.catalogue.features.values ==
        std::vector<heed::data::Id>{log.catalogue.features.names.find("fruit"), Vocabulary::unknown});
  CHECK(report.log.skipped_lines == 1);
  CHECK_THAT(report.log.skipped[0].first, Contains("log:2") && Contains("never"));
  CHECK(report.items->table.skipped_lines == 1);
}

TEST_CASE("a log without a file is an error", "[io][read_log]") {
  CHECK_THROWS_WITH(read_log(std::vector<std::string>{}), "read_log: wanted a path, got none");
}

TEST_CASE("several files and standard input are one log", "[io][read_log]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("a.csv"), "user_id,item_id,when\nu,a,5\n");
  temporary::write_bytes(folder.file("b.csv"), "when;item_id;user_id\n3;b;u\n");
  const std::vector<std::string> paths{folder.file("a.csv"), folder.file("b.csv"), "-"};
  write_gzip(folder.file("c.tsv.gz"), "user_id\titem_id\twhen\nu\tc\t4\n");
  const int before = ::dup(0), input = ::open(folder.file("c.tsv.gz").c_str(), O_RDONLY);
  REQUIRE(::dup2(input, 0) == 0);
  LogReport report;
  const auto log = read_log(paths, {.format = LogFormat::csv, .time_column = "when"}, &report);
  REQUIRE(::dup2(before, 0) == 0);
  ::close(input), ::close(before);
  CHECK(log.times == std::vector<std::int64_t>{3, 4, 5});
  CHECK(log.catalogue.items.text(log.items[0]) == "b");
  CHECK(report.log.lines == 6);
  CHECK_THROWS_WITH(read_log(std::vector<std::string>{"-", "-"}), "read_log: standard input (-) is given twice");
}

TEST_CASE("binary files are named, in every format", "[io][read_log]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log"), std::string("PAR1\x15\0\x04\x15\x20\x1b[31m\n", 15));
  for (std::size_t f = 0; f < names(LogFormat()).size(); ++f) {
    CHECK_THROWS_WITH(read_log(folder.file("log"), {.format = static_cast<LogFormat>(f)}),
                      Contains("wanted text, got a Parquet file"));
  }
  write_gzip(folder.file("log.gz"), std::string("PK\x03\x04", 4));
  CHECK_THROWS_WITH(read_log(folder.file("log.gz")), Contains("got a ZIP archive"));
  temporary::write_bytes(folder.file("log"), "\x1b[31m,\x07\n");
  CHECK_THROWS_WITH(read_log(folder.file("log"), {.format = LogFormat::csv}), Contains("\"\\x1b[31m\", \"\\x07\""));
}

TEST_CASE("encodings, quotes and columns reach the reader", "[io][read_log]") {
  const LogOptions csv{.format = LogFormat::csv};
  const std::string text = "user_id;item_id\nu;caf\xe9\n";
  CHECK_THROWS_WITH(read_text(text, csv), Contains("log:2: wanted UTF-8 in the item"));
  LogOptions options = csv;
  options.encoding = heed::data::Encoding::latin1;
  CHECK(read_text(text, options).catalogue.items.text(0) == "caf\xc3\xa9");
  options = csv;
  options.columns = {"x", "item_id", "user_id"};
  CHECK(read_text("1,2,3\n", options).users.text(0) == "3");
  options = csv;
  options.quote = "none";
  CHECK(read_text("user_id,item_id\nu,\"a\n", options).catalogue.items.text(0) == "\"a");
  options.quote = "'";
  CHECK(read_text("user_id,item_id\nu,'a,b'\n", options).catalogue.items.text(0) == "a,b");
  options.delimiter = "##";
  CHECK(read_text("user_id##item_id\nu##a\n", options).catalogue.items.text(0) == "a");
  options = csv;
  for (const char* tab : {"tab", "\\t", "\t"}) {
    options.delimiter = tab;
    CHECK(read_text("user_id\titem_id\nu\ta,b\n", options).catalogue.items.text(0) == "a,b");
  }
  CHECK(read_text("s:token\titem_id:token\n7\ta\n", {.format = LogFormat::recbole, .user_column = "s"}).size() == 1);
}

TEST_CASE("a log or an option says what the baskets are", "[io][read_log]") {
  using heed::data::Baskets;
  const temporary::Folder folder;
  const auto baskets = [&](const std::string& rows, std::optional<Baskets> asked = {}) {
    temporary::write_bytes(folder.file("log.csv"), "user_id,item_id,when\n" + rows);
    LogReport report;
    const auto log =
        read_log(folder.file("log.csv"), {.format = LogFormat::csv, .time_column = "when", .basket = asked}, &report);
    return std::pair(report.baskets, log.baskets(0));
  };
  using Ends = std::vector<heed::Index>;
  const std::string dates = "u,a,2024-03-01\nu,b,2024-03-01\nu,c,2024-03-02\n",
                    minutes = "u,a,2024-03-01 10:00\nu,b,2024-03-01 10:00\nu,c,2024-03-01 11:00\n",
                    seconds = "u,a,2024-03-01 10:00:01\nu,b,2024-03-01 10:00:01\nu,c,2024-03-01 11:00:01\n";
  CHECK(baskets(dates) == std::pair(Baskets::day, Ends{0, 2, 3}));
  CHECK(baskets(minutes) == std::pair(Baskets::day, Ends{0, 3}));
  CHECK(baskets(minutes, Baskets::time) == std::pair(Baskets::time, Ends{0, 2, 3}));
  CHECK(baskets(seconds) == std::pair(Baskets::none, Ends{0, 2, 3}));
  CHECK(baskets(seconds, Baskets::day) == std::pair(Baskets::day, Ends{0, 3}));
  CHECK(baskets("u,a,1709287200\nu,b,1709287200\n") == std::pair(Baskets::none, Ends{0, 2}));
  CHECK(baskets(dates, Baskets::none).first == Baskets::none);
  CHECK_THROWS_WITH(read_log(folder.file("log.csv"), {.format = LogFormat::csv, .basket = Baskets::day}),
                    "read_log: --basket day: the log has no times");
  temporary::write_bytes(folder.file("log.tsv"), "u\t1709287200\ta b\nu\t1709287260\tc\n");
  LogReport report;
  read_log(folder.file("log.tsv"), {}, &report);
  CHECK(report.baskets == Baskets::time);
  CHECK(read_log(folder.file("log.tsv"), {.basket = Baskets::day}).baskets(0) == Ends{0, 3});
}

TEST_CASE("the k-core of a log is reported", "[io][read_log]") {
  const std::string text = "u a b\nv a b\nw a c\n";
  LogReport report;
  const auto log = read_text(text, {.format = LogFormat::user_item, .k_core = 2}, &report);
  CHECK(log.size() == 4);
  CHECK(report.outside_k_core == 2);
  CHECK(report.log.events == 4);
  CHECK(report.log.users == 2);
  CHECK_THROWS_WITH(read_text(text, {.format = LogFormat::user_item, .k_core = 4}),
                    "read_log: no interactions are left by --k-core 4");
}

}  // namespace HEED_TEST_UNIT
