// SPDX-License-Identifier: Apache-2.0
// Parsing times: numbers, ISO 8601, and dates of a given format. Not by strptime, which depends on the locale.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "heed/core/error.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/time.hpp"

namespace heed::inline HEED_ABI::data {

namespace detail {

/// Removes `character` from the front of `text` if it is there.
inline bool take(std::string_view& text, char character) {
  if (!text.starts_with(character)) return false;
  text.remove_prefix(1);
  return true;
}
/// Removes a number of `least` to `most` digits from the front of `text`.
inline bool take_number(std::string_view& text, std::size_t least, std::size_t most, int& number) {
  std::size_t n = 0;
  int value = 0;
  for (; n < std::min(most, text.size()) && text[n] >= '0' && text[n] <= '9'; ++n) value = 10 * value + (text[n] - '0');
  if (n < least) return false;
  text.remove_prefix(n);
  number = value;
  return true;
}
/// Removes all digits, at least one, from the front of `text`.
inline bool take_digits(std::string_view& text, std::string_view& digits) {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
  digits = text.substr(0, n);
  text.remove_prefix(n);
  return !digits.empty();
}
/// Removes one of `names`, or its first three letters, in any case, from the front of `text`.
inline bool take_name(std::string_view& text, std::span<const std::string_view> names, int& index) {
  const auto starts = [&](std::string_view with) {
    return text.size() >= with.size() && std::equal(with.begin(), with.end(), text.begin(), [](char a, char b) {
             return a == b || (b >= 'A' && b <= 'Z' && a == b - 'A' + 'a');
           });
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!starts(names[i].substr(0, 3))) continue;
    index = static_cast<int>(i);
    text.remove_prefix(starts(names[i]) ? names[i].size() : 3);
    return true;
  }
  return false;
}

inline constexpr std::array<std::string_view, 12> month_names{"january",   "february", "march",    "april",
                                                              "may",       "june",     "july",     "august",
                                                              "september", "october",  "november", "december"};
inline constexpr std::array<std::string_view, 7> day_names{"monday", "tuesday",  "wednesday", "thursday",
                                                           "friday", "saturday", "sunday"};

/// A date and a time of day, as written.
struct WrittenDate {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int offset = 0;  ///< of the time zone, in minutes east of UTC
  std::string_view fraction{};

  /// Removes `Z`, `UTC`, `GMT`, `+02:00`, `+0200` or `+02` from the front of `text`.
  bool take_zone(std::string_view& text) {
    if (take(text, 'Z') || take(text, 'z')) return true;
    for (const std::string_view utc : {"UTC", "GMT"}) {
      if (!text.starts_with(utc)) continue;
      text.remove_prefix(utc.size());
      return true;
    }
    const bool west = text.starts_with('-');
    int hours = 0, minutes = 0;
    if (!(take(text, '+') || take(text, '-')) || !take_number(text, 2, 2, hours)) return false;
    if (take(text, ':')) {
      if (!take_number(text, 2, 2, minutes)) return false;
    } else {
      take_number(text, 2, 2, minutes);
    }
    offset = (west ? -1 : 1) * (60 * hours + minutes);
    return hours < 24 && minutes < 60;
  }

  /// Parses the whole of `text` as ISO 8601, with `T` or a blank before the time and, possibly, a blank before the
  /// zone.
  bool parse_iso(std::string_view text) {
    // At fixed places, which takes half the time of `parse`.
    bool digits = true;
    const auto two = [&](std::size_t i) {
      const auto tens = static_cast<unsigned>(text[i] - '0'), ones = static_cast<unsigned>(text[i + 1] - '0');
      digits = digits && tens < 10 && ones < 10;
      return static_cast<int>(digits ? 10 * tens + ones : 0);
    };
    if (text.size() < 10 || text[4] != '-' || text[7] != '-') return false;
    year = 100 * two(0) + two(2);
    month = two(5);
    day = two(8);
    if (text.size() == 10) return digits;
    if (text.size() < 16 || (text[10] != 'T' && text[10] != ' ' && text[10] != 't') || text[13] != ':') return false;
    hour = two(11);
    minute = two(14);
    const bool seconds = text.size() >= 19 && text[16] == ':';
    if (seconds) second = two(17);
    text.remove_prefix(seconds ? 19 : 16);
    if (seconds && (take(text, '.') || take(text, ',')) && !take_digits(text, fraction)) return false;
    if (text.empty() || !digits) return digits;
    take(text, ' ');
    return take_zone(text) && text.empty();
  }

  /// Parses the whole of `text` by a format that `check_format` accepts.
  bool parse(std::string_view text, std::string_view format) {
    int half = -1, ignored = 0;  // of the day
    bool by_halves = false;
    const auto number = [&](std::size_t most, int& to) { return take_number(text, 1, most, to); };
    while (!format.empty()) {
      const char c = format.front();
      format.remove_prefix(1);
      if (c == ' ') {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        continue;
      }
      if (c != '%') {
        if (!take(text, c)) return false;
        continue;
      }
      const char directive = format.front();
      format.remove_prefix(1);
      bool matches = false;
      switch (directive) {
        case 'Y':
          matches = take_number(text, 4, 4, year);
          break;
        case 'y':
          matches = take_number(text, 2, 2, year);
          year += year < 69 ? 2000 : 1900;
          break;
        case 'm':
          matches = number(2, month);
          break;
        case 'b':
          matches = take_name(text, month_names, month);
          ++month;
          break;
        case 'd':
          matches = number(2, day);
          break;
        case 'I':
          by_halves = true;
          matches = number(2, hour) && hour >= 1 && hour <= 12;
          break;
        case 'H':
          matches = number(2, hour);
          break;
        case 'p':
          matches = take_name(text, std::array<std::string_view, 2>{"am", "pm"}, half);
          break;
        case 'M':
          matches = number(2, minute);
          break;
        case 'S':
          matches = number(2, second);
          if (matches && !format.starts_with('.') && !format.starts_with(',') && (take(text, '.') || take(text, ','))) {
            matches = take_digits(text, fraction);
          }
          break;
        case 'f':
          matches = take_digits(text, fraction);
          break;
        case 'z':
          matches = take_zone(text);
          break;
        case 'a':
          matches = take_name(text, day_names, ignored);
          break;
        default:
          matches = take(text, '%');
      }
      if (!matches) return false;
    }
    if (by_halves) hour = hour % 12 + 12 * half;
    return text.empty();
  }

  /// Returns the time, or nullopt when there is no such date: the 30th of February, the hour 24.
  std::optional<DecimalTime> time() const {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                              std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok() || year < 1 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const std::int64_t days = sys_days(date).time_since_epoch().count();
    DecimalTime out = ((24 * days + hour) * 60 + minute - offset) * 60 + second;
    out.date = true;
    const std::string_view digits = fraction.substr(0, fraction.find_last_not_of('0') + 1);
    for (const char c : digits) {
      std::int64_t next = 0;
      if (out.scale == most_decimals || __builtin_mul_overflow(out.digits, 10, &next) ||
          __builtin_add_overflow(next, c - '0', &next)) {
        out.rounded = true;
        break;
      }
      out.digits = next;
      ++out.scale;
    }
    return out;
  }
};

/// Throws OptionError for a format of TimeOptions that is not one, or that does not give a date.
inline void check_format(std::string_view format) {
  constexpr std::string_view operation = "format of times";
  std::string seen;
  for (std::size_t i = format.find('%'); i != std::string_view::npos; i = format.find('%', i + 2)) {
    const std::string_view directive = format.substr(i, 2);
    const std::size_t known = std::string_view("YymbdHIpMSfza%").find(directive.back());
    if (directive.size() < 2 || known == std::string_view::npos) {
      fail<OptionError>(operation, quoted(directive), " in ", quoted(format),
                        ", wanted %Y %y %m %b %d %H %I %p %M %S %f %z %a %%");
    }
    seen += directive.back() == 'y' ? 'Y' : directive.back() == 'b' ? 'm' : directive.back();
  }
  const auto times = [&](char directive) { return std::ranges::count(seen, directive); };
  const bool hours = times('H') + times('I') <= 1 && times('I') == times('p');
  const bool once = std::ranges::all_of(seen, [&](char c) { return c == '%' || times(c) == 1; });
  if (times('Y') == 0 || times('m') == 0 || times('d') == 0 || !hours || !once) {
    fail<OptionError>(operation, quoted(format), ", wanted a year, a month and a day, each once, and %I with %p or %H");
  }
}

/// Parses a decimal number exactly; digits that 64 bits do not hold are rounded down. Throws BadLine.
inline DecimalTime parse_decimal_time(std::string_view field) {
  std::string_view rest = field, whole, fraction;
  const bool negative = take(rest, '-');
  take_digits(rest, whole);
  if (take(rest, '.')) take_digits(rest, fraction);
  std::int64_t exponent = 0;
  bool valid = !whole.empty() || !fraction.empty();
  if (valid && (take(rest, 'e') || take(rest, 'E'))) {
    const bool down = rest.starts_with('-');
    std::string_view digits;
    if (!take(rest, '-')) take(rest, '+');
    valid = take_digits(rest, digits);
    // Far beyond the length of a line, so that a larger exponent is no different.
    constexpr std::int64_t most = std::int64_t{1} << 32;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc{}) exponent = most;
    exponent = std::min(exponent, most) * (down ? -1 : 1);
  }
  if (!valid || !rest.empty()) {
    const bool date = field.size() >= 6 && field.find_first_of("/:") != std::string_view::npos;
    throw BadLine{message("wanted a time (a number, or a date like 2014-04-07 10:51:09), got ", quoted(field),
                          date ? " (--time-format %m/%d/%Y reads others)" : "")};
  }
  // The significant digits are those of `whole` and `fraction`, without zeros at either end.
  const auto length = static_cast<std::int64_t>(whole.size());
  const auto digit = [&](std::int64_t i) {
    return static_cast<std::size_t>(i) < whole.size() ? whole[static_cast<std::size_t>(i)]
                                                      : fraction[static_cast<std::size_t>(i - length)];
  };
  std::int64_t begin = 0, end = length + static_cast<std::int64_t>(fraction.size());
  while (begin < end && digit(begin) == '0') ++begin;
  while (begin < end && digit(end - 1) == '0') --end;
  if (begin == end) return 0;
  DecimalTime out;
  const std::int64_t point = length + exponent;  // behind the digit before which the fraction begins
  std::int64_t i = begin;
  for (; i < std::max(end, point); ++i) {
    const int next_digit = i < end ? digit(i) - '0' : 0;
    const bool in_fraction = i >= point;
    if (in_fraction && i - point >= most_decimals) break;
    std::int64_t next = 0;
    if (__builtin_mul_overflow(out.digits, 10, &next) || __builtin_add_overflow(next, next_digit, &next)) {
      if (in_fraction) break;
      throw BadLine{message("the time ", quoted(field), " does not fit 64 bits")};
    }
    out.digits = next;
  }
  out.scale = static_cast<std::int32_t>(std::clamp<std::int64_t>(i - point, 0, most_decimals));
  out.rounded = i < end;
  if (negative) out.digits = -out.digits - (out.rounded ? 1 : 0);
  return out;
}

/// Parses a number, or a date as in ISO 8601. Throws BadLine.
inline DecimalTime parse_time(std::string_view field) {
  if (field.size() < 10 || field[4] != '-' || field[7] != '-') {
    std::int64_t whole = 0;
    return parse_number(field, whole) == std::errc{} ? DecimalTime(whole) : parse_decimal_time(field);
  }
  WrittenDate date;
  if (!date.parse_iso(field)) {
    throw BadLine{message("wanted a date like 2014-04-07 10:51:09.277+02:00, got ", quoted(field))};
  }
  if (const auto time = date.time()) return *time;
  throw BadLine{message("there is no date ", quoted(field))};
}

/// Parses the times of one file.
class TimeParser {
 public:
  /// Throws OptionError for an unknown format.
  explicit TimeParser(const TimeOptions& options = {}) : format_(options.format) {
    if (!format_.empty()) check_format(format_);
  }

  /// Throws BadLine for anything but a time as in the options, possibly between blanks, and for a date after numbers or
  /// a number after dates.
  DecimalTime operator()(std::string_view field) {
    field = trimmed(field);
    const DecimalTime time = format_.empty() ? parse_time(field) : formatted(field);
    if (dates_.value_or(time.date) != time.date) {
      throw BadLine{message("the times before were ", time.date ? "numbers" : "dates", ", got ", quoted(field))};
    }
    dates_ = time.date;
    return time;
  }

 private:
  DecimalTime formatted(std::string_view field) const {
    WrittenDate date;
    if (!date.parse(field, format_)) {
      throw BadLine{message("wanted a time like ", detail::quoted(format_), ", got ", quoted(field))};
    }
    if (const auto time = date.time()) return *time;
    throw BadLine{message("there is no date ", quoted(field))};
  }

  std::string format_;
  std::optional<bool> dates_;  // whether the times so far are dates
};

}  // namespace detail

}  // namespace heed::inline HEED_ABI::data
