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

TEST_CASE("compressed or unreadable input is an error", "[data][lines]") {
  std::istringstream in("\x1f\x8b\x08 ...");
  LineReader lines(in, "log.gz");
  CHECK_THROWS_WITH(lines.next(), Catch::StartsWith("read: log.gz: wanted text, got gzip"));
  CHECK_THROWS_WITH(LineReader("no/such/file.tsv"), "open: no/such/file.tsv: No such file or directory");
  LineReader folder("/");
  CHECK_THROWS_AS(folder.next(), heed::IoError);
}

TEST_CASE("malformed records throw or are counted", "[data][lines]") {
  std::vector<std::string> good;
  const auto parse = [&](LineReader& lines) {
    if (lines.line() == "bad") throw heed::data::detail::BadLine{"it says so"};
    good.emplace_back(lines.line());
  };
  const std::string text = "a\n\n  \nbad\nb\nbad\n";
  std::istringstream strict(text), lenient(text);
  heed::data::ReadReport report;
  LineReader lines(strict, "x.tsv");
  CHECK_THROWS_WITH(heed::data::detail::read_records(lines, "reading", {}, &report, parse),
                    "reading: x.tsv:4: it says so");
  good.clear();
  LineReader again(lenient, "x.tsv");
  heed::data::detail::read_records(again, "reading", {.skip_bad_lines = true}, &report, parse);
  CHECK(good == Lines{"a", "b"});
  CHECK(report.lines == 6);
  CHECK(report.bad_lines == 2);
  CHECK(report.first_bad_line == "x.tsv:4: it says so");
}

}  // namespace HEED_TEST_UNIT
