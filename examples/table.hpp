// SPDX-License-Identifier: Apache-2.0
// A table for the terminal and, unchanged, for the report.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  std::string markdown() const {
    std::string out;
    const auto line = [&](const std::vector<std::string>& row) {
      for (const std::string& cell : row) out += (cell.empty() ? "| " : "| " + cell + " ");
      out += "|\n";
    };
    line(header);
    line(std::vector<std::string>(header.size(), "---"));
    for (const auto& row : rows) line(row);
    return out;
  }

  /// The first column to the left, numbers to the right.
  void print() const {
    std::vector<std::size_t> widths(header.size());
    const auto widen = [&](const std::vector<std::string>& row) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
    };
    widen(header);
    for (const auto& row : rows) widen(row);
    const auto line = [&](const std::vector<std::string>& row) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string gap(widths[i] - columns(row[i]), ' ');
        std::printf("  %s", (i == 0 ? row[i] + gap : gap + row[i]).c_str());
      }
      std::printf("\n");
    };
    line(header);
    for (const auto& row : rows) line(row);
  }

 private:
  /// Characters, not bytes, of UTF-8.
  static std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
  }
};

/// `0.2951` for (0.29513, 4).
inline std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}
