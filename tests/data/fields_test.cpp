// SPDX-License-Identifier: Apache-2.0
#include "heed/data/fields.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <vector>

using namespace heed::data;
using detail::BadLine;

namespace {

using Fields = std::vector<std::string>;

/// The fields of every record of `text`.
std::vector<Fields> records_of(const std::string& text, char quote = '"') {
  std::istringstream in(text);
  LineReader lines(in, "text");
  detail::RecordSplitter splitter(',', quote);
  std::vector<Fields> out;
  while (lines.next()) {
    const auto& fields = splitter.split(lines);
    out.emplace_back(fields.begin(), fields.end());
  }
  return out;
}

}  // namespace

TEST_CASE("times", "[data][fields]") {
  using detail::parse_time;
  CHECK(parse_time("1295344860") == 1295344860);
  CHECK(parse_time("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK(parse_time("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_time("881250949.0") == 881250949);
  CHECK(parse_time("-1.5") == -2);
  CHECK(parse_time("8.5e3") == 8500);
  for (const char* bad : {"", " 1", "1 ", "abc", "12x", "nan", "inf", "-inf", "1e400", "1e19", "9223372036854775808"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_time(bad), BadLine);
  }
}

TEST_CASE("ratings", "[data][fields]") {
  using detail::parse_rating;
  CHECK(parse_rating("3.5") == 3.5f);
  CHECK(parse_rating("-2") == -2.f);
  for (const char* bad : {"", "nan", "NAN", "inf", "-infinity", "1e39", "3,5", "4 ", "x"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_rating(bad), BadLine);
  }
}

TEST_CASE("words and fields", "[data][fields]") {
  std::string_view text = " \ta  b\tc ";
  CHECK(detail::take_word(text) == "a");
  CHECK(detail::take_word(text) == "b");
  CHECK(detail::take_word(text) == "c");
  CHECK(detail::take_word(text).empty());
  std::vector<std::string_view> fields;
  detail::split_fields("1::2::", "::", fields);
  CHECK(Fields(fields.begin(), fields.end()) == Fields{"1", "2", ""});
  CHECK(detail::quoted(std::string(50, 'x')) == "\"" + std::string(40, 'x') + "...\"");
}

TEST_CASE("RFC 4180 records", "[data][fields]") {
  CHECK(records_of("a,b,c\n,,\n") == std::vector<Fields>{{"a", "b", "c"}, {"", "", ""}});
  CHECK(records_of("\"a,b\",\"say \"\"hi\"\"\",\"\"\n") == std::vector<Fields>{{"a,b", "say \"hi\"", ""}});
  CHECK(records_of("\"two\r\nlines\",x\r\nnext,y") == std::vector<Fields>{{"two\nlines", "x"}, {"next", "y"}});
  CHECK(records_of("5\" nail,\"\"\"\"") == std::vector<Fields>{{"5\" nail", "\""}});
  CHECK(records_of("\"a,b\"", 0) == std::vector<Fields>{{"\"a", "b\""}});
  CHECK_THROWS_AS(records_of("\"a\"b,c"), BadLine);
  CHECK_THROWS_AS(records_of("\"a,b\nc,d\n"), BadLine);
}

TEST_CASE("a stray quote does not swallow the file", "[data][fields]") {
  std::string text = "\"open,1\n";
  for (int i = 0; i < 10000; ++i) text += "some,line\n";
  std::istringstream in(text);
  LineReader lines(in, "text");
  detail::RecordSplitter splitter(',', '"');
  REQUIRE(lines.next());
  CHECK_THROWS_AS(splitter.split(lines), BadLine);
  CHECK(lines.line_number() < 8000);
  CHECK(lines.next());
}
