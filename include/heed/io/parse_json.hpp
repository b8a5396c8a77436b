// SPDX-License-Identifier: Apache-2.0
// Parses JSON from files and command lines, whose nesting is limited. Requires nlohmann-json.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"

namespace heed::inline HEED_ABI::io {

/// The largest number of arrays and objects inside one another. nlohmann-json copies, compares and writes a document by
/// recursion: without a limit, 100 KB of brackets overflow the stack.
inline constexpr std::ptrdiff_t max_json_depth = 64;

namespace detail {

/// Returns whether `text`, read as JSON, nests deeper than max_json_depth.
inline bool nests_too_deeply(std::string_view text) {
  const auto opens = [](char c) { return c == '[' || c == '{'; };
  if (std::ranges::count_if(text, opens) <= max_json_depth) return false;  // almost always, and at little cost
  std::ptrdiff_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && opens(text[i])) {
      if (++depth > max_json_depth) return true;
    } else if (!quoted && (text[i] == ']' || text[i] == '}')) {
      --depth;
    }
  }
  return false;
}

}  // namespace detail

/// Returns the document `text`. Throws IoError, which names `what` (a file, an entry of a file), for text that is not
/// JSON or nests deeper than max_json_depth.
inline nlohmann::json parse_json(std::string_view text, std::string_view what) {
  if (detail::nests_too_deeply(text)) {
    fail<IoError>("parse_json", what, " nests more than ", max_json_depth, " arrays and objects");
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail<IoError>("parse_json", what, " is not JSON: ", printable(error.what(), 1000));
  }
}

/// Returns the document `text`; nullopt where parse_json throws.
inline std::optional<nlohmann::json> try_parse_json(std::string_view text) {
  if (detail::nests_too_deeply(text)) return std::nullopt;
  nlohmann::json out = nlohmann::json::parse(text, nullptr, false);
  return out.is_discarded() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace heed::inline HEED_ABI::io
