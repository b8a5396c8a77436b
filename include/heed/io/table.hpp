// SPDX-License-Identifier: Apache-2.0
// A table of texts, for the terminal, Markdown and Report.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::io {

/// Formats with a fixed number of digits after the point: `0.2951` for (0.29513, 4).
inline std::string fixed(double value, int digits) {
  char text[512];  // the largest double has 309 digits before the point
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

/// Every row must be as wide as the header.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  /// Returns GitHub Markdown; vertical bars in cells are escaped.
  std::string markdown() const {
    std::string out;
    const auto line = [&](const std::vector<std::string>& row) {
      for (const std::string& cell : row) {
        out += "| ";
        for (const char c : cell) out += c == '|' ? std::string("\\|") : std::string(1, c);
        if (!cell.empty()) out += ' ';
      }
      out += "|\n";
    };
    line(header);
    line(std::vector<std::string>(header.size(), "---"));
    for (const auto& row : rows) line(row);
    return out;
  }

  /// Returns lines with aligned columns: the first to the left, the others to the right.
  std::string text() const {
    std::vector<std::size_t> widths(header.size());
    const auto widen = [&](const std::vector<std::string>& row) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters(row[i]));
    };
    widen(header);
    for (const auto& row : rows) widen(row);
    std::string out;
    const auto line = [&](const std::vector<std::string>& row) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string gap(widths[i] - characters(row[i]), ' ');
        out += "  " + (i == 0 ? row[i] + gap : gap + row[i]);
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
