// SPDX-License-Identifier: Apache-2.0
#include "heed/data/lines.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <vector>

namespace HEED_TEST_UNIT {

using heed::data::LineReader;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  LineReader lines(in, "text");
  std::vector<std::string> out;
  while (lines.next()) out.emplace_back(lines.line());
  CHECK(lines.line_number() == static_cast<heed::Index>(out.size()));
  return out;
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("lines end with LF or CRLF, optional for the last one", "[data][lines]") {
  CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
  CHECK(lines_of("a\r\nb\r\n") == Lines{"a", "b"});
  CHECK(lines_of("a\n\nb") == Lines{"a", "", "b"});
  CHECK(lines_of("a\r") == Lines{"a"});
  CHECK(lines_of("").empty());
  CHECK(lines_of("\xef\xbb\xbfid\n\xef\xbb\xbf") == Lines{"id", "\xef\xbb\xbf"});
}

TEST_CASE("all lines of a file may end with CR", "[data][lines]") {
  CHECK(lines_of("a,b\r1,2\r3,4\r") == Lines{"a,b", "1,2", "3,4"});
  CHECK(lines_of("a\r\rb") == Lines{"a", "", "b"});
  CHECK(lines_of("a\rb\nc\rd\n") == Lines{"a\rb", "c\rd"});  // CR is a character where a line ends with LF
  Lines lines;
  std::string text;
  for (int i = 0; i < 30'000; ++i) {
    lines.push_back("line " + std::to_string(i));
    text += lines.back() + "\r";
  }
  CHECK(lines_of(text) == lines);
}

TEST_CASE("lines of any length are whole", "[data][lines]") {
  Lines lines;
  std::string text;
  for (std::size_t i = 0; i < 60; ++i) {
    lines.emplace_back(i * i * i * 7919 % (i < 40 ? 300'000 : 50'000), static_cast<char>('a' + i % 26));
    text += lines.back() + (i % 2 == 0 ? "\n" : "\r\n");
  }
  CHECK(lines_of(text) == lines);
  CHECK(lines_of(text + "end").back() == "end");
}

TEST_CASE("compressed or unreadable input is an error", "[data][lines]") {
  std::istringstream in("\x1f\x8b\x08 ...");
  LineReader lines(in, "log.gz");
  CHECK_THROWS_WITH(lines.next(), Catch::StartsWith("read: log.gz: wanted text, got gzip"));
  CHECK_THROWS_WITH(LineReader("no/such/file.tsv"), "open: no/such/file.tsv: No such file or directory");
  LineReader folder("/");
  CHECK_THROWS_AS(folder.next(), heed::IoError);
}

TEST_CASE("a line has at most 16 MB, so that a small compressed file cannot fill the memory", "[data][lines]") {
  const auto longest = static_cast<std::size_t>(LineReader::longest_line);
  for (const char* end : {"", "\n", "\nc\n"}) {
    std::istringstream fits("a\n" + std::string(longest, 'b') + end);
    LineReader lines(fits, "log.tsv");
    CHECK(lines.next());
    CHECK(lines.next());
    CHECK(lines.line().size() == longest);
    CHECK(lines.next() == (std::string_view(end) == "\nc\n"));

    std::istringstream too_long("a\n" + std::string(longest + 1, 'b') + end);
    LineReader bomb(too_long, "log.tsv");
    CHECK(bomb.next());
    CHECK_THROWS_WITH(bomb.next(), "read: log.tsv:2: wanted at most 16777216 bytes in a line");
  }
}

TEST_CASE("names of files are printable in errors, and lines hold any bytes", "[data][lines]") {
  CHECK_THROWS_WITH(LineReader("no/\x1b[31m.tsv"), Catch::StartsWith("open: no/\\x1b[31m.tsv: "));
  CHECK(lines_of(std::string("a\0b\n\0", 5)) == Lines{std::string("a\0b", 3), std::string(1, '\0')});
}

TEST_CASE("files that are not text are named", "[data][lines]") {
  std::istringstream in("PAR1\x15\x04\x1b[31m\n");
  LineReader lines(in, "log.csv");
  CHECK_THROWS_WITH(lines.next(), "read: log.csv: wanted text, got a Parquet file");
}

TEST_CASE("a reader returns to the line that was marked", "[data][lines]") {
  std::string text = "a\nb\n";
  for (int i = 0; i < 30'000; ++i) text += "line\n";  // more than is read at once
  std::istringstream in(text + "end");
  LineReader lines(in, "text");
  REQUIRE(lines.next());
  lines.mark();
  Lines once, twice;
  while (lines.next()) once.emplace_back(lines.line());
  CHECK(once.size() == 30'002);
  lines.rewind();
  CHECK(lines.line_number() == 1);
  while (lines.next()) twice.emplace_back(lines.line());
  CHECK(once == twice);
  CHECK(lines.line_number() == 30'003);
}

TEST_CASE("lines in Latin-1 become UTF-8", "[data][lines]") {
  std::istringstream in("caf\xe9;\xa3\r\nna\xefve");
  LineReader lines(in, "text", heed::data::Encoding::latin1);
  REQUIRE(lines.next());
  CHECK(lines.line() == "caf\xc3\xa9;\xc2\xa3");
  REQUIRE(lines.next());
  CHECK(lines.line() == "na\xc3\xafve");
}

}  // namespace HEED_TEST_UNIT
