// SPDX-License-Identifier: Apache-2.0
#include "heed/data/record_splitter.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed::data;
using detail::BadLine;

namespace {

using Fields = std::vector<std::string>;

/// Returns the fields of every record of `text`.
std::vector<Fields> records_of(const std::string& text, char quote = '"') {
  std::istringstream in(text);
  LineReader lines(in, "text");
  detail::RecordSplitter splitter(",", quote);
  std::vector<Fields> out;
  while (lines.next()) {
    const auto& fields = splitter.split(lines);
    out.emplace_back(fields.begin(), fields.end());
  }
  return out;
}

/// Returns the first fields of the good records, with the number of bad lines at the end.
Fields good_of(const std::string& text, std::size_t width) {
  std::istringstream in(text);
  LineReader lines(in, "text");
  detail::RecordSplitter splitter(",", '"');
  Fields out;
  int bad = 0;
  while (lines.next()) {
    const heed::Index first = lines.line_number();
    try {
      out.emplace_back(splitter.split(lines, width)[0]);
    } catch (const BadLine&) {
      ++bad;
      CHECK(lines.line_number() == first);
    }
  }
  out.push_back(std::to_string(bad));
  return out;
}

}  // namespace

TEST_CASE("RFC 4180 records", "[data][record_splitter]") {
  CHECK(records_of("a,b,c\n,,\n") == std::vector<Fields>{{"a", "b", "c"}, {"", "", ""}});
  CHECK(records_of("\"a,b\",\"say \"\"hi\"\"\",\"\"\n") == std::vector<Fields>{{"a,b", "say \"hi\"", ""}});
  CHECK(records_of("\"two\r\nlines\",x\r\nnext,y") == std::vector<Fields>{{"two\nlines", "x"}, {"next", "y"}});
  CHECK(records_of("5\" nail,\"\"\"\"") == std::vector<Fields>{{"5\" nail", "\""}});
  CHECK(records_of("\"a,b\"", 0) == std::vector<Fields>{{"\"a", "b\""}});
  CHECK_THROWS_AS(records_of("\"a\"b,c"), BadLine);
  CHECK_THROWS_AS(records_of("\"a,b\nc,d\n"), BadLine);
}

TEST_CASE("quoted fields of several lines", "[data][record_splitter]") {
  CHECK(records_of("\"\n\n\",b") == std::vector<Fields>{{"\n\n", "b"}});
  CHECK(records_of("a,\"b\"\"\n\"\"c\",\"\"\"\n\"\n,\"d\n\"") ==
        std::vector<Fields>{{"a", "b\"\n\"c", "\"\n"}, {"", "d\n"}});
  CHECK(records_of("\"a\nb\",\"c\nd\",") == std::vector<Fields>{{"a\nb", "c\nd", ""}});
  CHECK_THROWS_AS(records_of("\"a\nb\"c"), BadLine);
}

TEST_CASE("every line of a record is examined once", "[data][record_splitter]") {
  // 1 MB in records of many lines that keep a field open: examining records from the start takes minutes.
  std::string record = "\"", text;
  for (int i = 0; i < 16'000; ++i) record += "\"\"\n";
  record += "\",b\n";
  for (int i = 0; i < 20; ++i) text += record;
  const auto records = records_of(text);
  REQUIRE(records.size() == 20);
  CHECK(records[19][0].size() == 32'000);
  CHECK(records[19][1] == "b");
}

TEST_CASE("a stray quote costs its own line", "[data][record_splitter]") {
  std::string text = "a,\"Heroes,1\n";
  for (int i = 0; i < 20'000; ++i) text += "b,c,2\n";
  text += "d,\"two\nlines\",3\n";  // the stray quote would end here
  const Fields got = good_of(text, 3);
  CHECK(got.size() == 20'002);
  CHECK(got[20'000] == "d");
  CHECK(got.back() == "1");
  CHECK(good_of("a,\"Heroes,1\nb,c,2\nd,\"two\nlines\",3\ne,f,4\n", 3) == Fields{"b", "d", "e", "1"});
  CHECK(good_of("a,b,1\nc,\"d,2\ne,f,3", 3) == Fields{"a", "e", "1"});
}

TEST_CASE("two stray quotes do not join the rows between them", "[data][record_splitter]") {
  CHECK(good_of("a,\"Heroes,1\nb,c,2\nd,Heroes\",3\ne,f,4\n", 3) == Fields{"b", "d", "e", "1"});
  CHECK(good_of("a,1,\"Heroes\nb,2,x\nd,3,Heroes\"\n", 3) == Fields{"b", "d", "1"});
  CHECK(good_of("\"a, or b\",\"Heroes,1\n\"say \"\"b, c\"\"\",x,2\nd,Heroes\",3\n", 3) ==
        Fields{"say \"b, c\"", "d", "1"});
  // A text over several lines, of which one is no row.
  CHECK(good_of("a,\"one, two\nthree\",1\nb,c,2\n", 3) == Fields{"a", "b", "0"});
}

TEST_CASE("a record of several lines with another number of fields costs its first line", "[data][record_splitter]") {
  CHECK(good_of("a,\"b\n1,2,3\nc\"\nd,e,f\n", 3) == Fields{"1", "d", "2"});
}

TEST_CASE("stray quotes on all lines take linear time", "[data][record_splitter]") {
  // Every line opens a quote, whether or not one is open before it: 4 MB, of which each line would join 64 KB.
  std::string text;
  for (int i = 0; i < 600'000; ++i) text += "\",a\",\"\n";
  CHECK(good_of(text, 600'000) == Fields{"600000"});
}

TEST_CASE("delimiters of several characters", "[data][record_splitter]") {
  std::istringstream in("1::\"a::b\"::c:d\n");
  LineReader lines(in, "text");
  detail::RecordSplitter splitter("::", '"');
  REQUIRE(lines.next());
  const auto& fields = splitter.split(lines, 3);
  CHECK(Fields(fields.begin(), fields.end()) == Fields{"1", "a::b", "c:d"});
  for (const char* bad : {"", "\n", "\"", ",\""}) {
    CHECK_THROWS_AS(detail::RecordSplitter(bad, '"'), heed::OptionError);
  }
}

TEST_CASE("one line is split without its quotes if one is open", "[data][record_splitter]") {
  detail::RecordSplitter splitter(",", '"');
  CHECK(splitter.split_line("\"a,b\",c").size() == 2);
  CHECK(splitter.split_line("\"a,b,c").size() == 3);
}

}  // namespace HEED_TEST_UNIT
