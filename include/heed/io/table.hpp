// SPDX-License-Identifier: Apache-2.0
// A table of texts, for the terminal, Markdown and Report.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/printable.hpp"

namespace heed::inline HEED_ABI::io {

/// Formats with a fixed number of digits after the point: `0.2951` for (0.29513, 4).
inline std::string fixed(double value, int digits) {
  char text[512];  // the largest double has 309 digits before the point
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

/// Returns `text` as GitHub Markdown that renders as `printable(text)` inside a line (a cell, a heading, a sentence). A
/// backslash precedes what Markdown, HTML or TeX would interpret; brackets are escaped only where they could form a
/// link, an image or a footnote, which keeps intervals readable.
inline std::string markdown_text(std::string_view text) {
  const std::string shown = printable(text, std::string_view::npos);
  std::string out;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i], next = i + 1 < shown.size() ? shown[i + 1] : ' ';
    const bool link = (c == ']' && (next == '(' || next == '[')) || (c == '[' && next == '^');
    if (link || std::string_view("\\`*_<>&|~$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// Every row must be as wide as the header. Cells are plain text: each output escapes what it would interpret.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  /// Returns GitHub Markdown.
  std::string markdown() const {
    std::string out;
    const auto line = [&](const std::vector<std::string>& row) {
      for (const std::string& cell : row) {
        out += "| " + markdown_text(cell) + (cell.empty() ? "" : " ");
      }
      out += "|\n";
    };
    line(header);
    line(std::vector<std::string>(header.size(), "---"));
    for (const auto& row : rows) line(row);
    return out;
  }

  /// Returns lines with aligned columns for a terminal: the first to the left, the others to the right.
  std::string text() const {
    std::vector<std::size_t> widths(header.size());
    const auto widen = [&](const std::vector<std::string>& row) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters(printable(row[i])));
    };
    widen(header);
    for (const auto& row : rows) widen(row);
    std::string out;
    const auto line = [&](const std::vector<std::string>& row) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string cell = printable(row[i]), gap(widths[i] - characters(cell), ' ');
        out += "  " + (i == 0 ? cell + gap : gap + cell);
      }
      out += '\n';
    };
    line(header);
    for (const auto& row : rows) line(row);
    return out;
  }

 private:
  /// The number of UTF-8 characters: bytes that are not continuation bytes.
  static std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
  }
};

}  // namespace heed::inline HEED_ABI::io
