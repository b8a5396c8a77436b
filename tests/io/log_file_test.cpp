// SPDX-License-Identifier: Apache-2.0
#include "heed/io/log_file.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "io/temporary.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::Index;
using heed::io::log_formats;
using heed::io::LogFile;
using heed::io::LogFileReport;
using heed::io::read_log;

namespace {

/// Written with zlib, so that the test requires no gzip program.
void write_gzip(const std::string& path, const std::string& bytes) {
  const gzFile file = ::gzopen(path.c_str(), "wb");
  REQUIRE(::gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  REQUIRE(::gzclose(file) == Z_OK);
}

}  // namespace

TEST_CASE("every format reads the same events, compressed or not", "[io][log_file]") {
  const temporary::Folder folder;
  const std::map<std::string, std::string> texts{
      {"baskets", "u\t1\ta b\nv\t2\tb\n"},
      {"movielens", "u::a::5::1\nu::b::4::1\nv::b::3::2\n"},
      {"recbole", "user_id:token\titem_id:token\ttimestamp:float\nu\ta\t1\nu\tb\t1\nv\tb\t2\n"},
      {"user-item", "u a\nu b\nv b\n"},
      {"csv", "user_id,item_id\nu,a\nu,b\nv,b\n"}};
  for (const auto& [name, format] : log_formats()) {
    CAPTURE(name);
    temporary::write_bytes(folder.file("log"), texts.at(name));
    write_gzip(folder.file("log.gz"), texts.at(name));
    for (const char* file : {"log", "log.gz"}) {
      const auto log = read_log({.path = folder.file(file), .format = format});
      CHECK(log.num_users() == 2);
      CHECK(log.num_items() == 2);
      CHECK(log.size() == 3);
      CHECK(log.user(1).items.front() == log.item("b"));
    }
  }
  CHECK(LogFile{.path = ""}.has_baskets());
  CHECK_FALSE(LogFile{.path = "", .format = LogFile::Format::csv}.has_baskets());
}

TEST_CASE("csv in a .tsv file is separated by tabs unless another delimiter is named", "[io][log_file]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), "user_id\titem_id\tkind\nu\ta\tviewed\nu\tb\tbought\n");
  const auto log =
      read_log({.path = folder.file("log.tsv"), .format = LogFile::Format::csv, .columns = {.kind = "kind"}});
  CHECK(log.size() == 2);
  CHECK(log.catalogue.kinds.text(1) == "bought");
  temporary::write_bytes(folder.file("semicolons.tsv"), "user_id;item_id\nu;a\n");
  CHECK(read_log({.path = folder.file("semicolons.tsv"), .format = LogFile::Format::csv, .columns = {.delimiter = ';'}})
            .size() == 1);
}

TEST_CASE("a table of items gives names and a feature, and bad lines of both files are counted", "[io][log_file]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log"), "u\t1\ta b\nu\tnever\tb\n");
  temporary::write_bytes(folder.file("items"), "item_id\tdescription\tcategory\na\tAPPLE\tfruit\nb\n");
  LogFile file{.path = folder.file("log"), .items = folder.file("items"), .feature = "category"};
  CHECK_THROWS_AS(read_log(file), heed::IoError);
  file.skip_bad_lines = true;
  LogFileReport report;
  const auto log = read_log(file, &report);
  CHECK(log.catalogue.items.name(log.item("a")) == "APPLE");
  CHECK(log.catalogue.features.values ==
        std::vector<heed::data::Id>{log.catalogue.features.names.find("fruit"), heed::data::Vocabulary::unknown});
  CHECK(report.log.bad_lines == 1);
  CHECK_THAT(report.log.first_bad_line, Contains("log:2") && Contains("never"));
  CHECK(report.items.bad_lines == 1);
}

TEST_CASE("a column of kinds in a format that has none is an error", "[io][log_file]") {
  CHECK_THROWS_WITH(read_log({.path = "nowhere", .format = LogFile::Format::recbole, .columns = {.kind = "what"}}),
                    Contains("read_log: ") && Contains("'what'") && Contains("csv"));
}

}  // namespace HEED_TEST_UNIT
