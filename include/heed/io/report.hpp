// SPDX-License-Identifier: Apache-2.0
// A self-contained HTML report: text, tables, line charts and attention heat maps in inline CSS and SVG, no scripts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/core/utf8.hpp"
#include "heed/io/atomic_file.hpp"
#include "heed/io/detail/report_style.hpp"
#include "heed/io/table.hpp"

namespace heed::inline HEED_ABI::io {

/// One line of a chart through the points (`first_x + i`, `y[i]`). NaN and values beyond 1e300 leave a gap.
struct Series {
  std::string name;
  std::vector<double> y;
  double first_x = 1;
};

/// The data of `Report::line_chart`.
struct LineChart {
  std::string title;
  std::string x_label;
  std::vector<Series> series;  ///< eight colours, then they repeat
};

/// The data of `Report::heat_map`: the weight of each query (a recommendation, for example) for each key (an item).
struct HeatMap {
  std::string title;
  std::vector<std::string> keys;     ///< names of the rows
  std::vector<std::string> queries;  ///< names of the columns; numbered in the picture, named below it
  std::vector<double> weights;       ///< [queries, keys] row-major, not negative; larger is darker
};

/// Builds one HTML page without network access or scripts, which is also well-formed XML. Texts are escaped; bytes that
/// are not UTF-8, controls and invisible characters, which could reorder what is shown, become U+FFFD. The page
/// supports light and dark colour schemes and narrow screens.
class Report {
 public:
  explicit Report(std::string_view title) : title_(escape(title)) { body_ = "<h1>" + title_ + "</h1>\n"; }

  Report& heading(std::string_view text) { return add("<h2>" + escape(text) + "</h2>\n"); }
  Report& text(std::string_view paragraph) { return add("<p>" + escape(paragraph) + "</p>\n"); }

  /// Adds a table; columns that contain only numbers ("0.295", "3 %", "[-0.1, 0.2]") are aligned right. Throws
  /// ShapeError if the width of a row differs from the header's.
  Report& table(std::string_view caption, const Table& table) {
    std::vector<bool> numeric(table.header.size(), true);
    for (const auto& row : table.rows) {
      if (row.size() != table.header.size()) {
        fail<ShapeError>("report table", "a row of ", row.size(), " cells under ", table.header.size(), " headings");
      }
      for (std::size_t i = 0; i < row.size(); ++i) numeric[i] = numeric[i] && is_numeric(row[i]);
    }
    const auto line = [&](std::string_view tag, const std::vector<std::string>& cells) {
      std::string out = "<tr>";
      for (std::size_t i = 0; i < cells.size(); ++i) {
        out += message("<", tag, numeric[i] ? " class=\"number\">" : ">", escape(cells[i]), "</", tag, ">");
      }
      return out + "</tr>\n";
    };
    std::string out =
        "<figure>\n" + figcaption(caption) + "<div class=\"wide\"><table>\n<thead>" + line("th", table.header);
    out += "</thead>\n<tbody>\n";
    for (const auto& row : table.rows) out += line("td", row);
    return add(out + "</tbody>\n</table></div>\n</figure>\n");
  }

  Report& line_chart(const LineChart& chart) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double x_low = infinity, x_high = -infinity, y_low = infinity, y_high = -infinity;
    for (const Series& series : chart.series) {
      for (std::size_t i = 0; i < series.y.size(); ++i) {
        if (!has_mark(series, i)) continue;
        x_low = std::min(x_low, x_of(series, i));
        x_high = std::max(x_high, x_of(series, i));
        y_low = std::min(y_low, series.y[i]);
        y_high = std::max(y_high, series.y[i]);
      }
    }
    if (x_low > x_high) return add("<figure>\n" + figcaption(chart.title) + "<p>No data.</p>\n</figure>\n");
    const Axis x(x_low, x_high, 58, 588, 8, 1.0);
    const Axis y(y_low, y_high, 222, 10, 5, 0.0);

    std::string svg = open_svg(600, 266, chart.title);
    for (const double tick : y.ticks()) {
      svg += message("<line class=\"grid\" x1=\"58\" x2=\"588\" y1=\"", px(y(tick)), "\" y2=\"", px(y(tick)),
                     "\"/><text x=\"50\" y=\"", px(y(tick) + 4), "\" text-anchor=\"end\">", y.label(tick), "</text>\n");
    }
    for (const double tick : x.ticks()) {
      svg += message("<text x=\"", px(x(tick)), "\" y=\"241\" text-anchor=\"middle\">", x.label(tick), "</text>\n");
    }
    svg += "<line class=\"axis\" x1=\"58\" x2=\"588\" y1=\"222\" y2=\"222\"/>\n";
    svg += "<text x=\"323\" y=\"261\" text-anchor=\"middle\">" + escape(chart.x_label) + "</text>\n";
    std::string legend = "<p class=\"legend\">";
    for (std::size_t s = 0; s < chart.series.size(); ++s) {
      const Series& series = chart.series[s];
      const std::string colour = message("s", s % 8);
      std::string path, dots;
      bool gap = true;
      for (std::size_t i = 0; i < series.y.size(); ++i) {
        if (!has_mark(series, i)) {
          gap = true;
          continue;
        }
        const double value = series.y[i];
        const std::string at_x = px(x(x_of(series, i))), at_y = px(y(value));
        path += message(gap ? "M" : "L", at_x, " ", at_y);
        gap = false;
        dots += message("<circle class=\"", colour, "\" cx=\"", at_x, "\" cy=\"", at_y, "\" r=\"2.5\"><title>",
                        escape(series.name), ", ", escape(chart.x_label), " ", short_number(x_of(series, i)), ": ",
                        short_number(value), "</title></circle>\n");
      }
      svg += message("<path class=\"line ", colour, "\" d=\"", path, "\"/>\n", dots);
      legend += message("<span><svg width=\"14\" height=\"10\" aria-hidden=\"true\"><path class=\"line ", colour,
                        "\" d=\"M0 5L14 5\"/></svg> ", escape(series.name), "</span> ");
    }
    return add("<figure>\n" + figcaption(chart.title) + svg + "</svg>\n" + legend + "</p>\n</figure>\n");
  }

  /// Adds a heat map. Throws ShapeError if the weights are not [queries, keys].
  Report& heat_map(const HeatMap& map) {
    const std::size_t columns = map.queries.size(), rows = map.keys.size();
    if (map.weights.size() != columns * rows) {
      fail<ShapeError>("report heat_map", "wants ", columns, " x ", rows, " weights [queries, keys], got ",
                       map.weights.size());
    }
    double most = 0;
    for (const double weight : map.weights) most = std::isfinite(weight) ? std::max(most, weight) : most;
    constexpr int names_width = 280, cell_width = 30, cell_height = 20, top = 20;
    const auto at_column = [](std::size_t i) { return names_width + cell_width * static_cast<int>(i); };
    const auto at_row = [](std::size_t i) { return top + cell_height * static_cast<int>(i); };
    std::string svg = open_svg(std::max(600, at_column(columns)), at_row(rows) + 2, map.title);
    for (std::size_t q = 0; q < columns; ++q) {
      svg += message("<text x=\"", at_column(q) + cell_width / 2, "\" y=\"13\" text-anchor=\"middle\">", q + 1,
                     "<title>", escape(map.queries[q]), "</title></text>\n");
    }
    for (std::size_t k = 0; k < rows; ++k) {
      svg += message("<text class=\"name\" x=\"", names_width - 8, "\" y=\"", at_row(k) + 14, "\" text-anchor=\"end\">",
                     escape(shorten(map.keys[k], 36)), "<title>", escape(map.keys[k]), "</title></text>\n");
      for (std::size_t q = 0; q < columns; ++q) {
        const double weight = map.weights[q * rows + k];
        const double share = std::isfinite(weight) && most > 0 ? std::clamp(weight / most, 0.0, 1.0) : 0.0;
        svg += message("<g><rect class=\"cell\" x=\"", at_column(q) + 1, "\" y=\"", at_row(k) + 1, "\" width=\"",
                       cell_width - 2, "\" height=\"", cell_height - 2, "\"/><rect class=\"heat\" x=\"",
                       at_column(q) + 1, "\" y=\"", at_row(k) + 1, "\" width=\"", cell_width - 2, "\" height=\"",
                       cell_height - 2, "\" fill-opacity=\"", fixed(share, 3), "\"/><title>", escape(map.keys[k]),
                       " for ", escape(map.queries[q]), ": ", fixed(weight, 4), "</title></g>\n");
      }
    }
    std::string list = "<ol class=\"queries\">\n";
    for (const std::string& query : map.queries) list += "<li>" + escape(query) + "</li>\n";
    return add("<figure>\n" + figcaption(map.title) + "<div class=\"wide map\">" + svg + "</svg></div>\n" +
               "<p class=\"legend\"><span class=\"scale\">0</span><span class=\"ramp\"></span><span class=\"scale\">" +
               fixed(most, 3) + "</span></p>\n" + list + "</ol>\n</figure>\n");
  }

  /// Returns the whole page.
  std::string html() const {
    return message("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n",
                   "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, ",
                   "initial-scale=1\"/>\n<meta name=\"generator\" content=\"heed\"/>\n<title>", title_,
                   "</title>\n<style>", detail::report_style, "</style>\n</head>\n<body>\n<main>\n", body_,
                   "</main>\n</body>\n</html>\n");
  }
  /// Writes the page to `path`, atomically. Throws IoError; an existing file is then unchanged.
  void write(const std::string& path) const {
    AtomicFile file("write_report", path);
    file.write(html());
    file.commit();
  }

 private:
  /// Maps values to pixels, with about `count` round ticks that enclose the values.
  class Axis {
   public:
    Axis(double low, double high, double from, double to, int count, double least_step) : from_(from), to_(to) {
      if (low == high) {  // one point, or a flat line: widen the range
        const double margin = std::max(least_step, std::abs(low) * 0.1);
        low -= margin > 0 ? margin : 1;
        high += margin > 0 ? margin : 1;
      }
      const double raw = std::max({(high - low) / count, least_step, 1e-300});  // a step of 0 would divide by 0
      const double power = std::pow(10.0, std::floor(std::log10(raw)));
      step_ = raw <= power ? power : raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power : 10 * power;
      // The x axis spans exactly its values; the y axis is widened to whole steps.
      low_ = least_step > 0 ? low : std::floor(low / step_) * step_;
      high_ = least_step > 0 ? high : std::ceil(high / step_) * step_;
    }
    double operator()(double value) const { return from_ + (value - low_) / (high_ - low_) * (to_ - from_); }
    std::vector<double> ticks() const {
      std::vector<double> out;
      const double first = std::ceil(low_ / step_ - 1e-9);
      for (int i = 0; (first + i) * step_ <= high_ + 1e-9 * step_; ++i) out.push_back((first + i) * step_);
      return out;
    }
    std::string label(double tick) const {
      const int digits = static_cast<int>(std::clamp(-std::floor(std::log10(step_) + 1e-9), 0.0, 12.0));
      if (std::max(std::abs(low_), std::abs(high_)) >= 1e6) return short_number(tick);
      return fixed(std::abs(tick) < 1e-9 * step_ ? 0.0 : tick, digits);
    }

   private:
    double from_, to_, low_ = 0, high_ = 1, step_ = 1;
  };

  static double x_of(const Series& series, std::size_t i) { return series.first_x + static_cast<double>(i); }
  /// Near the largest double, the ticks of an axis would be infinite.
  static bool has_mark(const Series& series, std::size_t i) {
    return std::abs(x_of(series, i)) <= 1e300 && std::abs(series.y[i]) <= 1e300;
  }

  static std::string px(double value) { return fixed(value, 1); }
  static std::string short_number(double value) {
    char buffer[64];
    std::snprintf(buffer, sizeof(buffer), "%.5g", value);
    return buffer;
  }

  /// Escapes text for elements and attribute values.
  static std::string escape(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = heed::detail::utf8_length(text, at);
      const char c = text[at];
      if (c == '\n' || c == '\t') {
        out += c;
      } else if (length == 0 || heed::detail::is_invisible(heed::detail::code_point(text.substr(at, length))) ||
                 text.substr(at, 3) == "\xEF\xBF\xBE" || text.substr(at, 3) == "\xEF\xBF\xBF") {
        out += "\xEF\xBF\xBD";  // the last two are not characters, and XML cannot represent them
      } else if (c == '&') {
        out += "&amp;";
      } else if (c == '<') {
        out += "&lt;";
      } else if (c == '>') {
        out += "&gt;";
      } else if (c == '"') {
        out += "&quot;";
      } else {
        out += text.substr(at, length);
      }
      at += std::max<std::size_t>(length, 1);
    }
    return out;
  }
  /// Shortens to at most `limit` characters, the last of which is then an ellipsis.
  static std::string shorten(std::string_view text, std::size_t limit) {
    std::size_t at = 0, count = 0, cut = 0;
    for (; at < text.size(); at += std::max<std::size_t>(heed::detail::utf8_length(text, at), 1)) {
      if (++count == limit) cut = at;
    }
    return std::string(count > limit ? text.substr(0, cut) : text) + (count > limit ? "\u2026" : "");
  }
  static bool is_numeric(std::string_view cell) {
    constexpr std::string_view allowed =
        "0123456789.,:+-eE%[]()/ \u00b1\u2212\u2013";  // bytes: plus-minus, minus, dash
    return cell.find_first_not_of(allowed) == std::string_view::npos &&
           (cell.empty() || cell.find_first_of("0123456789-\u2013") != std::string_view::npos);
  }
  static std::string figcaption(std::string_view text) {
    return text.empty() ? "" : "<figcaption>" + escape(text) + "</figcaption>\n";
  }
  static std::string open_svg(int width, int height, std::string_view label) {
    return message("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", width, " ", height,
                   "\" role=\"img\" aria-label=\"", escape(label), "\">\n");
  }
  Report& add(const std::string& html) {
    body_ += html;
    return *this;
  }

  std::string title_;
  std::string body_;
};

}  // namespace heed::inline HEED_ABI::io
