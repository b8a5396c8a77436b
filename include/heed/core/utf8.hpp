// SPDX-License-Identifier: Apache-2.0
// Validation of UTF-8, for what is read from files and for what is shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::detail {

/// Returns the length in bytes (1 to 4) of the well-formed UTF-8 sequence at `text[at]`; 0 if it is ill-formed (Unicode
/// 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
inline std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() - at < length) return 0;
  // The range of the second byte is narrower than 80..BF after these four leads; all others have the full range.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(at + 1) < low || byte(at + 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80u) return 0;
  }
  return length;
}

/// Returns the position of the first ill-formed sequence; `text.size()` if there is none. ASCII is skipped in words.
inline std::size_t utf8_valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, 8);
      if ((word & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    const std::size_t length = utf8_length(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

/// Appends `text`, of ISO 8859-1, to `out` as UTF-8.
inline void append_latin1(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) out += static_cast<char>(0xC0 | byte >> 6);
    out += static_cast<char>(byte < 0x80 ? byte : 0x80 | (byte & 0x3F));
  }
}

}  // namespace heed::inline HEED_ABI::detail
