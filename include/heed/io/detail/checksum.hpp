// SPDX-License-Identifier: Apache-2.0
// The place of a file's checksum in the text of its header. The value names the method, so that a flipped bit in the
// key does not turn a file into one without a checksum.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::io::detail {

inline constexpr std::string_view checksum_key = "heed.checksum";
inline constexpr std::string_view checksum_begin = "heed.xxh64:";
inline constexpr std::size_t checksum_digits = 16;

/// Returns 16 digits.
inline std::string hexadecimal(std::uint64_t value) {
  char out[checksum_digits + 1];
  std::snprintf(out, sizeof(out), "%016llx", static_cast<unsigned long long>(value));
  return out;
}

inline std::string checksum_value(std::uint64_t digest) { return std::string(checksum_begin) + hexadecimal(digest); }

/// Returns the index in `header` of the digits of the one JSON string of the form `"heed.xxh64:0123456789abcdef"`, or
/// npos when there is none or more than one. A text inside a metadata value that looks the same is not found, because
/// its quotes are escaped.
inline std::size_t checksum_place(std::string_view header) {
  const std::string begin = '"' + std::string(checksum_begin);
  std::size_t found = std::string_view::npos;
  for (std::size_t at = header.find(begin); at != std::string_view::npos; at = header.find(begin, at + 1)) {
    const std::size_t digits = at + begin.size();
    if (header.find_first_not_of("0123456789abcdef", digits) != digits + checksum_digits) continue;
    if (header[digits + checksum_digits] != '"') continue;
    if (found != std::string_view::npos) return std::string_view::npos;
    found = digits;
  }
  return found;
}

/// Replaces the digits of the checksum in `header` by zeros and returns them; empty if there is no checksum.
inline std::string take_checksum(std::string& header) {
  const std::size_t at = checksum_place(header);
  if (at == std::string::npos) return {};
  const std::string digits = header.substr(at, checksum_digits);
  header.replace(at, checksum_digits, checksum_digits, '0');
  return digits;
}

/// Writes `digest` in the place of the checksum. Returns false if there is no such place.
inline bool set_checksum(std::string& header, std::uint64_t digest) {
  const std::size_t at = checksum_place(header);
  if (at != std::string::npos) header.replace(at, checksum_digits, hexadecimal(digest));
  return at != std::string::npos;
}

}  // namespace heed::inline HEED_ABI::io::detail
