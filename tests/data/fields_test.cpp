// SPDX-License-Identifier: Apache-2.0
#include "heed/data/fields.hpp"

#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "heed/core/random.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;
using detail::BadLine;
using heed::Random;

namespace {

using Fields = std::vector<std::string>;

}  // namespace

TEST_CASE("ratings", "[data][fields]") {
  using detail::parse_rating;
  CHECK(parse_rating("3.5") == 3.5f);
  CHECK(parse_rating("-2") == -2.f);
  CHECK(parse_rating(" 4 ") == 4.f);
  for (const char* bad : {"", "nan", "NAN", "inf", "-infinity", "1e39", "3,5", "4 5", "x"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_rating(bad), BadLine);
  }
}

#ifdef __cpp_lib_to_chars
TEMPLATE_TEST_CASE("decimal numbers are parsed equally with and without from_chars", "[data][fields]", float, double) {
  const auto check = [](const std::string& text) {
    INFO(text);
    TestType wanted = -7, got = -7;
    const auto [stop, wanted_error] = std::from_chars(text.data(), text.data() + text.size(), wanted);
    const bool whole = stop == text.data() + text.size();
    const std::errc error = detail::parse_decimal(text, got);
    // Infinity and NaN are not valid times or ratings.
    if (!whole || (wanted_error == std::errc{} && !std::isfinite(wanted))) {
      CHECK(error == std::errc::invalid_argument);
    } else {
      CHECK(error == wanted_error);
      CHECK(std::memcmp(&got, &wanted, sizeof got) == 0);
    }
  };
  for (const char* text :
       {"",      "-",     ".",      "-.",     "+1",    " 1",       "1 ",     "1,5",    "0x10",   "1e",
        "1e+",   "1e-",   "e5",     ".e5",    "1.e5",  "1.",       ".5",     "-.5e-3", "-0",     "0e999",
        "1e400", "1e39",  "-1e400", "1e-400", "1e-50", "4e-324",   "2e-324", "1e-310", "1e-45",  "inf",
        "nan",   "-inf",  "1.5.2",  "--1",    "1e5.0", "1e5e5",    "0.1",    "1e22",   "1e23",   "16777217",
        "1e0",   "1E+05", "1e-05",  "1_0",    "1f",    "infinity", "nan(1)", "0.0e-9", "000.50", "1e0000000000005"}) {
    check(text);
  }
  // Random texts of these characters, most of them not numbers.
  const Random random(3);
  constexpr std::string_view characters = "0123456789..--+eE";
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const Random draw = random.fork(i);
    std::string text(static_cast<std::size_t>(1 + draw.below(100, 9)), ' ');
    for (std::size_t j = 0; j < text.size(); ++j) {
      text[j] = characters[static_cast<std::size_t>(draw.below(j, std::ssize(characters)))];
    }
    check(text);
  }
}
#endif

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
  CHECK(detail::quoted("\x1b[2J\n") == "\"\\x1b[2J\\n\"");
}

TEST_CASE("texts must be UTF-8", "[data][fields]") {
  CHECK(detail::parse_text("", "name").empty());
  CHECK(detail::parse_id("Björk, a long name with ASCII", "item") == "Björk, a long name with ASCII");
  CHECK_THROWS_AS(detail::parse_id("", "item"), BadLine);
  for (const char* bad : {"caf\xe9", "\xff", "12345678\xc3", "\xc3\x28 5678"}) {
    CHECK_THROWS_AS(detail::parse_id(bad, "item"), BadLine);
  }
}

TEST_CASE("words are separated by any blanks and tabs", "[data][fields]") {
  std::vector<std::string_view> words;
  detail::split_words(" a  b\t c \t", words);
  CHECK(Fields(words.begin(), words.end()) == Fields{"a", "b", "c"});
  detail::split_words(" \t", words);
  CHECK(words.empty());
}

TEST_CASE("blanks are trimmed at both ends", "[data][fields]") {
  CHECK(detail::trimmed("  a b ") == "a b");
  CHECK(detail::trimmed("   ").empty());
  CHECK(detail::trimmed("\ta") == "\ta");
}

TEST_CASE("usual names of a user and an item column", "[data][fields]") {
  CHECK(detail::are_column_names("userId", "movieId"));
  CHECK(detail::are_column_names("\"User-ID\"", "item_id:token"));
  CHECK(!detail::are_column_names("u", "i"));
  CHECK(!detail::are_column_names("17", "item"));
  CHECK(!detail::are_column_names("user1", "item1"));
}

}  // namespace HEED_TEST_UNIT
