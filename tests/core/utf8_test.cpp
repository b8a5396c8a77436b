// SPDX-License-Identifier: Apache-2.0
// Well-formed UTF-8 by the table of the Unicode standard.
#include "heed/core/utf8.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace HEED_TEST_UNIT {

using heed::detail::utf8_length;
using heed::detail::utf8_valid_prefix;

TEST_CASE("utf8: every code point is accepted in its shortest form, and surrogates are not", "[core]") {
  for (unsigned point = 0; point < 0x110000; ++point) {
    std::string text;
    const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
    if (point < 0x80) {
      text += static_cast<char>(point);
    } else if (point < 0x800) {
      text += static_cast<char>(0xC0 | (point >> 6));
      tail(0);
    } else if (point < 0x10000) {
      text += static_cast<char>(0xE0 | (point >> 12));
      tail(6), tail(0);
    } else {
      text += static_cast<char>(0xF0 | (point >> 18));
      tail(12), tail(6), tail(0);
    }
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    if (utf8_length(text, 0) != (surrogate ? 0 : text.size())) FAIL("U+" << std::hex << point);
    if (text.size() > 1 && utf8_length(text.substr(0, text.size() - 1), 0) != 0) FAIL("cut U+" << std::hex << point);
  }
}

TEST_CASE("utf8: overlong forms, stray bytes and values above U+10FFFF are not accepted", "[core]") {
  for (const std::string bad : {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                                "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3\x28", "\xe2\x82\x28"}) {
    CHECK(utf8_valid_prefix("ok" + bad) == 2);
  }
  CHECK(utf8_valid_prefix("") == 0);
}

}  // namespace HEED_TEST_UNIT
