// SPDX-License-Identifier: Apache-2.0
// Texts of unknown origin (ids, names, fields of files) as parts of messages and terminal output.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>

#include "heed/core/config.hpp"
#include "heed/core/utf8.hpp"

namespace heed::inline HEED_ABI {

namespace detail {

/// Returns the code point of the well-formed UTF-8 sequence `bytes`.
inline std::uint32_t code_point(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  std::uint32_t point = bytes.size() == 1 ? lead : lead & (0xFFu >> (bytes.size() + 1));
  for (const char c : bytes.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  return point;
}

/// Whether a terminal obeys `point` or shows nothing for it: controls (C0, DEL, C1), separators of lines, interlinear
/// annotations, and Unicode's Default_Ignorable_Code_Point, which includes the controls of bidirectional text. Joiners
/// (U+200C, U+200D) and variation selectors (U+FE00..FE0F) are not among them, as Persian, Indic scripts and emoji
/// require these.
inline bool is_invisible(std::uint32_t point) {
  struct Range {
    std::uint32_t first, last;
  };
  constexpr Range ranges[] = {{0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},
                              {0x061C, 0x061C},   {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},
                              {0x200B, 0x200B},   {0x200E, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
                              {0x3164, 0x3164},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
                              {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& range) { return range.first <= point && point <= range.last; });
}

}  // namespace detail

/// Returns `text` with everything escaped that a terminal would obey or not show, as in a C string: `\n`, `\r`, `\t`,
/// `\x1b` for other ASCII controls and for bytes that are not UTF-8, `\u202e` or `\U000e0001` for other invisible
/// characters, and `\\` for a backslash, so that no two texts look alike. All other characters are unchanged. Of a text
/// longer than `longest` bytes only these are shown (to the end of a character), followed by `...`.
inline std::string printable(std::string_view text, std::size_t longest = 200) {
  std::string out;
  const auto escape = [&out](const char* format, unsigned value) {
    char buffer[16];
    std::snprintf(buffer, sizeof(buffer), format, value);
    out += buffer;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (at >= longest) return out + "...";
    const std::size_t length = detail::utf8_length(text, at);
    const std::string_view bytes = text.substr(at, std::max<std::size_t>(length, 1));
    const std::uint32_t point = length == 0 ? static_cast<unsigned char>(text[at]) : detail::code_point(bytes);
    at += bytes.size();
    if (point == '\\') {
      out += "\\\\";
    } else if (point == '\n') {
      out += "\\n";
    } else if (point == '\r') {
      out += "\\r";
    } else if (point == '\t') {
      out += "\\t";
    } else if (length != 0 && !detail::is_invisible(point)) {
      out += bytes;
    } else {
      escape(length <= 1 ? "\\x%02x" : length <= 3 ? "\\u%04x" : "\\U%08x", static_cast<unsigned>(point));
    }
  }
  return out;
}

}  // namespace heed::inline HEED_ABI
