// SPDX-License-Identifier: Apache-2.0
// What reaches a terminal: nothing that it would obey or hide, and no two texts that look alike.
#include "heed/core/printable.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using heed::printable;

TEST_CASE("printable: ordinary texts of any script are unchanged", "[core]") {
  for (const std::string text : {"", "22423", "60 CAKE CASES \"RETRO\" & <b>", "caf\u00e9", "\u6771\u4eac",
                                 "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  // with a zero-width non-joiner
                                 "\U0001F468\u200d\U0001F469\u200d\U0001F467 \u2764\ufe0f", "\ufffd"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("printable: controls, escape sequences and bytes that are not UTF-8 are escaped", "[core]") {
  CHECK(printable("\x1b[31mRED\x1b]0;owned\x07") == "\\x1b[31mRED\\x1b]0;owned\\x07");
  CHECK(printable(std::string_view("a\0b\n\r\t\x7f", 7)) == "a\\x00b\\n\\r\\t\\x7f");
  CHECK(printable("\u009b31m") == "\\u009b31m");  // the C1 form of ESC [
  CHECK(printable("caf\xe9 \xc0\xaf \x9b") == "caf\\xe9 \\xc0\\xaf \\x9b");
  CHECK(printable("C:\\new") == "C:\\\\new");
}

TEST_CASE("printable: characters that reorder or hide text are escaped", "[core]") {
  CHECK(printable("user\u202etxt.exe") == "user\\u202etxt.exe");
  CHECK(printable("a\u2066b\u2069\u200b\u200e\u200f\u061c\ufeff\u00ad\u2028") ==
        "a\\u2066b\\u2069\\u200b\\u200e\\u200f\\u061c\\ufeff\\u00ad\\u2028");
  CHECK(printable("\U000E0041\U000E0001") == "\\U000e0041\\U000e0001");
}

TEST_CASE("printable: different texts stay different", "[core]") {
  // All texts of up to four of these characters, whose escapes could be mistaken for one another.
  const std::string characters = "\\nx0\n\x01";
  std::vector<std::string> texts{""};
  std::set<std::string> shown{""};
  for (std::size_t i = 0; texts[i].size() < 4; ++i) {
    for (const char c : characters) shown.insert(printable(texts.emplace_back(texts[i] + c)));
  }
  CHECK(shown.size() == texts.size());
}

TEST_CASE("printable: long texts are cut at the end of a character", "[core]") {
  const std::string longest(200, 'x');
  CHECK(printable(longest) == longest);
  CHECK(printable(longest + "y") == longest + "...");
  CHECK(printable("abc\u00e9\u00e9", 4) == "abc\u00e9...");
  CHECK(printable("abc\u00e9", 4) == "abc\u00e9");
  CHECK(printable(std::string(1000, 'x'), std::string::npos).size() == 1000);
}

}  // namespace HEED_TEST_UNIT
