// SPDX-License-Identifier: Apache-2.0
// Splits records of delimited text, and loses only the line of a stray quote.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/read_report.hpp"

namespace heed::inline HEED_ABI::data::detail {

/// Splits records of delimited text as in RFC 4180: a field that starts with a quote may contain delimiters, line ends
/// and doubled quotes. A quote inside an unquoted field is an ordinary character.
class RecordSplitter {
 public:
  /// `quote` 0 disables quoting. Throws OptionError on a delimiter that is empty or contains the quote or a line end.
  RecordSplitter(std::string delimiter, char quote) : delimiter_(std::move(delimiter)), quote_(quote) {
    if (delimiter_.empty() || delimiter_.find_first_of("\r\n") != std::string::npos ||
        (quote != 0 && delimiter_.find(quote) != std::string::npos)) {
      fail<OptionError>("delimiter", "wanted a text without the quote and line ends, got ", detail::quoted(delimiter_));
    }
  }

  /// Returns the fields of the record that starts at the reader's current line, reading further lines while a quoted
  /// field is open. Valid until the next call. Throws BadLine when a quoted field is not closed, the number of fields
  /// differs from `width` (0: any), or a quoted field joins lines that are all rows themselves. The reader is then at
  /// the record's first line, so that a stray quote costs no other line; the time remains linear.
  const std::vector<std::string_view>& split(LineReader& lines, std::size_t width = 0) {
    const Index first = lines.line_number();
    start(lines.line().size());
    if (split(lines.line())) return check(width);
    // An earlier record joined this line and later ones, and its quoted field was not closed: neither is this one.
    if (first < unclosed_until_) throw BadLine{not_closed};
    lines.mark();
    try {
      join_lines(lines);
      check(width);
      if (width > 1 && all_lines_are_rows(width)) {
        throw BadLine{message("wanted one row, got a quoted field over ", lines.line_number() - first + 1,
                              " lines that are rows themselves: is a quote stray?")};
      }
    } catch (const BadLine&) {
      unclosed_until_ = lines.line_number();
      lines.rewind();
      throw;
    }
    lines.unmark();
    return fields_;
  }

  /// Returns the fields of one line; a quoted field that is not closed counts as unquoted. Valid until the next call.
  const std::vector<std::string_view>& split_line(std::string_view line) {
    try {
      start(line.size());
      if (split(line)) return fields_;
    } catch (const BadLine&) {
    }
    start(line.size());
    split_fields(line, delimiter_, fields_);
    return fields_;
  }

 private:
  static constexpr const char* not_closed = "a quoted field is not closed";
  static constexpr std::size_t longest_record = 1 << 16;  // of several lines

  const std::vector<std::string_view>& check(std::size_t width) const {
    if (width != 0 && fields_.size() != width) {
      throw BadLine{message("wanted ", width, " fields, got ", fields_.size())};
    }
    return fields_;
  }
  void join_lines(LineReader& lines) {
    const std::string first(lines.line());
    start(longest_record);
    record_.clear();
    record_.reserve(longest_record);  // fields_ points into it: it must not be reallocated
    const auto append = [&](std::string_view line) {
      if (record_.size() + line.size() >= longest_record) throw BadLine{not_closed};
      record_ += line;
    };
    for (append(first); !split(record_); append(lines.line())) {
      if (!lines.next()) throw BadLine{not_closed};
      record_ += '\n';
    }
  }
  /// Whether each line of `record_`, if the quotes that it does not close are ordinary characters, has `width` fields.
  bool all_lines_are_rows(std::size_t width) {
    const auto is_row = [&](std::string_view line) {
      std::size_t fields = 0, at = 0;
      for (;; ++fields) {
        if (at < line.size() && line[at] == quote_) {
          std::size_t end = line.find(quote_, at + 1);
          while (end != std::string_view::npos && end + 1 < line.size() && line[end + 1] == quote_) {
            end = line.find(quote_, end + 2);
          }
          if (end != std::string_view::npos) at = end;
        }
        at = line.find(delimiter_, at);
        if (at == std::string_view::npos) return fields + 1 == width;
        at += delimiter_.size();
      }
    };
    for (std::string_view rest = record_;;) {
      const std::size_t end = rest.find('\n');
      if (!is_row(rest.substr(0, end))) return false;
      if (end == std::string_view::npos) return true;
      rest.remove_prefix(end + 1);
    }
  }

  void start(std::size_t longest) {
    fields_.clear();
    text_.clear();
    text_.reserve(longest);  // fields_ points into it: it must not be reallocated
    at_ = 0;
    open_ = false;
  }
  std::size_t find_delimiter(std::string_view record) const {
    const std::size_t found = delimiter_.size() == 1 ? record.find(delimiter_[0], at_) : record.find(delimiter_, at_);
    return std::min(found, record.size());
  }
  /// Splits `record` from `at_` on. Returns false when a quoted field is still open at the end: the next call, with a
  /// longer record, continues there, so that the time is linear.
  bool split(std::string_view record) {
    for (;; at_ += delimiter_.size()) {
      if (open_ || (quote_ != 0 && at_ < record.size() && record[at_] == quote_)) {
        if (!open_) {
          open_ = true;
          begin_ = text_.size();
          ++at_;
        }
        for (;; ++at_) {
          const std::size_t end = std::min(record.find(quote_, at_), record.size());
          text_ += record.substr(at_, end - at_);
          at_ = end;
          if (at_ == record.size()) return false;
          ++at_;
          if (at_ == record.size() || record[at_] != quote_) break;
          text_ += quote_;
        }
        open_ = false;
        fields_.push_back(std::string_view(text_).substr(begin_));
        if (at_ < record.size() && !record.substr(at_).starts_with(delimiter_)) {
          throw BadLine{"text follows a closing quote"};
        }
      } else {
        const std::size_t end = find_delimiter(record);
        fields_.push_back(record.substr(at_, end - at_));
        at_ = end;
      }
      if (at_ == record.size()) return true;
    }
  }

  std::string delimiter_;
  char quote_;
  std::string record_, text_;  // a record of several lines; the texts of quoted fields
  std::size_t at_ = 0;         // where `split` continues
  std::size_t begin_ = 0;      // of the open field in text_
  bool open_ = false;          // whether `at_` is inside a quoted field
  Index unclosed_until_ = 0;   // see split
  std::vector<std::string_view> fields_;
};

}  // namespace heed::inline HEED_ABI::data::detail
