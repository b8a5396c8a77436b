// SPDX-License-Identifier: Apache-2.0
// Splitting lines into fields, and parsing the numbers in them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/core/utf8.hpp"
#include "heed/data/read_report.hpp"

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

/// Returns `text` without blanks at its ends.
inline std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Parses a finite number, possibly between blanks. Throws BadLine.
inline float parse_rating(std::string_view field) {
  float value = 0;
  if (parse_number(trimmed(field), value) == std::errc{} && std::isfinite(value)) return value;
  throw BadLine{message("wanted a finite rating, got ", quoted(field))};
}

/// Returns `field`. Throws BadLine when it is not UTF-8.
inline std::string_view parse_text(std::string_view field, std::string_view what) {
  if (heed::detail::utf8_valid_prefix(field) == field.size()) return field;
  throw BadLine{message("wanted UTF-8 in the ", what, ", got ", quoted(field), " (--encoding latin1?)")};
}

/// Whether programs write `field`, possibly between blanks, for a value that they do not have.
inline bool is_missing(std::string_view field) {
  field = trimmed(field);
  if (field.empty()) return true;
  if (field.size() > 4 || std::string_view("Nn<#\\").find(field[0]) == std::string_view::npos) return false;
  constexpr std::string_view texts[] = {"NULL", "null", "NA",  "N/A",  "n/a", "#N/A",
                                        "<NA>", "NaN",  "nan", "None", "\\N"};
  return std::ranges::find(texts, field) != std::end(texts);
}

/// Returns `field`. Throws BadLine when it is empty or of blanks, or not UTF-8.
inline std::string_view parse_id(std::string_view field, std::string_view what) {
  if (trimmed(field).empty()) throw BadLine{message("the ", what, " is empty")};
  return parse_text(field, what);
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

/// Splits `line` into its words, delimited by any number of blanks and tabs.
inline void split_words(std::string_view line, std::vector<std::string_view>& words) {
  words.clear();
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) words.push_back(word);
}

/// Whether `text` is a whole number without a sign.
inline bool is_whole_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Whether these are usual names of a user and an item column: `userId` and `movieId`.
inline bool are_column_names(std::string_view user, std::string_view item) {
  const auto simple = [](std::string_view word) {
    std::string out;
    for (const char c : word.substr(0, word.find(':'))) {
      const char lower = static_cast<char>(c | 0x20);
      if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')) out += lower;
    }
    return out.ends_with("id") ? out.substr(0, out.size() - 2) : out;
  };
  const auto among = [](const std::string& word, auto... names) { return ((word == names) || ...); };
  return user.size() > 1 && !is_whole_number(user) &&
         among(simple(user), "user", "u", "customer", "session", "visitor", "reviewer") &&
         among(simple(item), "item", "items", "i", "product", "movie", "article", "track", "song", "book");
}

}  // namespace heed::inline HEED_ABI::data::detail
