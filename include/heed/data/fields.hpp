// SPDX-License-Identifier: Apache-2.0
// Splitting lines into fields, and parsing the numbers in them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"

#if defined(__APPLE__)
#include <xlocale.h>
#else
#include <locale.h>
#endif

namespace heed::inline HEED_ABI::data::detail {

/// Returns `"text"`, printable and truncated, for error messages.
inline std::string quoted(std::string_view text) { return message("\"", printable(text, 40), "\""); }

/// Replaces std::from_chars for a field that holds one finite number, using POSIX's strtod_l: libc++ before version 20
/// has no std::from_chars for floating-point numbers.
template <std::floating_point T>
std::errc parse_decimal(std::string_view field, T& value) {
  // strtod alone would also accept blanks, a plus sign, hexadecimal digits, infinity and NaN.
  if (field.empty() || field.front() == '+' || field.find_first_not_of("0123456789.eE+-") != std::string_view::npos) {
    return std::errc::invalid_argument;
  }
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", locale_t{});
  const std::string text(field);
  char* stop = nullptr;
  T parsed = 0;
  if constexpr (std::is_same_v<T, float>) {
    parsed = strtof_l(text.c_str(), &stop, c_locale);
  } else {
    parsed = strtod_l(text.c_str(), &stop, c_locale);
  }
  if (stop != text.c_str() + text.size()) return std::errc::invalid_argument;
  const std::string_view significand = field.substr(0, field.find_first_of("eE"));
  const bool underflow = parsed == 0 && significand.find_first_of("123456789") != std::string_view::npos;
  if (std::isinf(parsed) || underflow) return std::errc::result_out_of_range;
  value = parsed;
  return std::errc{};
}

/// Parses the whole field as a T; returns an error code if that fails.
template <class T>
std::errc parse_number(std::string_view field, T& value) {
#ifndef __cpp_lib_to_chars
  if constexpr (std::floating_point<T>) {
    return parse_decimal(field, value);
  } else
#endif
  {
    const char* const end = field.data() + field.size();
    const auto [stop, error] = std::from_chars(field.data(), end, value);
    return error == std::errc{} && stop != end ? std::errc::invalid_argument : error;
  }
}

/// Parses a finite number. Throws BadLine.
inline float parse_rating(std::string_view field) {
  float value = 0;
  if (parse_number(field, value) == std::errc{} && std::isfinite(value)) return value;
  throw BadLine{message("wanted a finite rating, got ", quoted(field))};
}

/// Returns `field`. Throws BadLine when it is empty.
inline std::string_view parse_id(std::string_view field, std::string_view what) {
  if (field.empty()) throw BadLine{message("the ", what, " is empty")};
  return field;
}

/// Builds the log at the end of every reader. Throws IoError when the file has no interactions.
inline Interactions finish(InteractionsBuilder&& builder, const LineReader& lines, std::string_view operation) {
  if (builder.size() == 0) fail<IoError>(operation, lines.name(), ": no interactions in the file");
  return std::move(builder).build();
}

/// Splits `line` at every `delimiter`: the number of fields is the number of delimiters plus one.
inline void split_fields(std::string_view line, std::string_view delimiter, std::vector<std::string_view>& fields) {
  fields.clear();
  for (std::size_t begin = 0;;) {
    const std::size_t end = line.find(delimiter, begin);
    fields.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return;
    begin = end + delimiter.size();
  }
}

/// Removes the first word, delimited by blanks and tabs, from `text` and returns it. Empty when there is none.
inline std::string_view take_word(std::string_view& text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const auto begin = std::find_if_not(text.begin(), text.end(), blank), end = std::find_if(begin, text.end(), blank);
  text = {end, text.end()};
  return {begin, end};
}

/// Splits records of delimited text as in RFC 4180: a field that starts with a quote may contain delimiters, line ends
/// and doubled quotes. A quote inside an unquoted field is an ordinary character.
class RecordSplitter {
 public:
  /// `quote` 0 disables quoting.
  RecordSplitter(char delimiter, char quote) : delimiter_(delimiter), quote_(quote) {}

  /// Returns the fields of the record that starts at the reader's current line, reading further lines while a quoted
  /// field is open. Valid until the next call. Throws BadLine when a quoted field is not closed.
  const std::vector<std::string_view>& split(LineReader& lines) {
    // A stray quote must not consume the rest of the file.
    constexpr std::size_t longest_record = 1 << 16;  // of several lines
    start(lines.line().size());
    if (split(lines.line())) return fields_;
    start(longest_record);
    record_.clear();
    record_.reserve(longest_record);  // fields_ points into it: it must not be reallocated
    const auto append_line = [&] {
      if (record_.size() + lines.line().size() >= longest_record) throw BadLine{"a quoted field is not closed"};
      record_ += lines.line();
    };
    for (append_line(); !split(record_); append_line()) {
      if (!lines.next()) throw BadLine{"a quoted field is not closed"};
      record_ += '\n';
    }
    return fields_;
  }

 private:
  void start(std::size_t longest) {
    fields_.clear();
    text_.clear();
    text_.reserve(longest);  // fields_ points into it: it must not be reallocated
    at_ = 0;
    open_ = false;
  }
  /// Splits `record` from `at_` on. Returns false when a quoted field is still open at the end: the next call, with a
  /// longer record, continues there, so that the time is linear.
  bool split(std::string_view record) {
    for (;; ++at_) {
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
        if (at_ < record.size() && record[at_] != delimiter_) throw BadLine{"text follows a closing quote"};
      } else {
        const std::size_t end = std::min(record.find(delimiter_, at_), record.size());
        fields_.push_back(record.substr(at_, end - at_));
        at_ = end;
      }
      if (at_ == record.size()) return true;
    }
  }

  char delimiter_, quote_;
  std::string record_, text_;  // a record of several lines; the texts of quoted fields
  std::size_t at_ = 0;         // where `split` continues
  std::size_t begin_ = 0;      // of the open field in text_
  bool open_ = false;          // whether `at_` is inside a quoted field
  std::vector<std::string_view> fields_;
};

}  // namespace heed::inline HEED_ABI::data::detail
