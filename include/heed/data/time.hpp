// SPDX-License-Identifier: Apache-2.0
// The times of a log: 64-bit numbers of one unit, which is found from what a file holds, so that nothing is lost.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI::data {

/// The unit of times: 10^-decimals seconds.
struct TimeUnit {
  std::int32_t decimals = 0;  ///< 0 seconds, 3 milliseconds, 6 microseconds, 9 nanoseconds; at most 18

  void fields(auto&& visitor) { visitor("decimals", decimals); }
  friend auto operator<=>(const TimeUnit&, const TimeUnit&) = default;
};

/// The units that have names.
inline const std::map<std::string, TimeUnit>& time_units() {
  static const std::map<std::string, TimeUnit> names{{"s", {0}}, {"ms", {3}}, {"us", {6}}, {"ns", {9}}};
  return names;
}

/// Returns "milliseconds", or "10^-4 seconds" for a unit without a name.
inline std::string unit_text(TimeUnit unit) {
  switch (unit.decimals) {
    case 0:
      return "seconds";
    case 3:
      return "milliseconds";
    case 6:
      return "microseconds";
    case 9:
      return "nanoseconds";
    default:
      return message("10^-", unit.decimals, " seconds");
  }
}

/// A time as a file writes it: digits * 10^-scale, exactly. A whole number converts to it.
struct DecimalTime {
  constexpr DecimalTime(std::int64_t whole = 0) : digits(whole) {}

  std::int64_t digits;
  std::int32_t scale = 0;  ///< 0 to 18
  bool date = false;       ///< it was a date: seconds since 1970 in UTC. Otherwise a number in the file's unit
  bool rounded = false;    ///< down, because 64 bits do not hold all digits

  friend bool operator==(const DecimalTime&, const DecimalTime&) = default;
};

/// How a file writes its times.
struct TimeOptions {
  std::optional<TimeUnit> unit{};  ///< of numbers; nullopt: found from the largest one (detail::TimeColumn)
  /// Empty: numbers, or dates as in ISO 8601 (`2014-04-07 10:51:09.277+02:00`; time of day and zone may be missing).
  /// Otherwise dates like this, as in strptime, in English: %Y (four digits) or %y, %m or %b, %d, %H or %I with %p, %M,
  /// %S (with a fraction, if there is one), %f (a fraction), %z (Z, UTC, +02:00, +0200, +02), %a (a day of the week,
  /// ignored), %%; a blank matches any number of blanks, other characters themselves. A time without zone is in UTC.
  std::string format = "";

  void fields(auto&& visitor) { visitor("unit", unit, "format", format); }
};

/// What became of the times of a file.
struct TimeReport {
  bool dates = false;    ///< the file has dates, not numbers
  TimeUnit file_unit{};  ///< of the file's whole numbers; seconds for dates
  Index rounded = 0;     ///< number of times rounded down to the log's unit, as 64 bits do not hold all digits
};

namespace detail {

inline constexpr std::int32_t most_decimals = 18;
/// 10^n for n from 0 to 18.
inline constexpr auto powers_of_ten = [] {
  std::array<std::int64_t, most_decimals + 1> all{1};
  for (std::size_t n = 1; n < all.size(); ++n) all[n] = 10 * all[n - 1];
  return all;
}();
constexpr std::int64_t power_of_ten(std::int32_t n) { return powers_of_ten[static_cast<std::size_t>(n)]; }

/// Returns the ticks of a second. Throws OptionError for a unit that is not one of 0 to 18 decimals.
inline std::int64_t ticks_per_second(std::string_view operation, TimeUnit unit) {
  if (unit.decimals >= 0 && unit.decimals <= most_decimals) return power_of_ten(unit.decimals);
  fail<OptionError>(operation, "a unit of time with ", unit.decimals, " decimals, wanted 0 to ", most_decimals);
}

/// Returns floor(a / b) for b > 0.
constexpr std::int64_t divide_down(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
constexpr std::uint64_t magnitude(std::int64_t number) {
  return number < 0 ? -static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
}

/// Returns the unit in which a number, the largest of a file, is a point in time between 1973 and 5138, or seconds.
constexpr TimeUnit unit_of_largest(std::uint64_t most) {
  return {most >= 100'000'000'000'000'000 ? 9 : most >= 100'000'000'000'000 ? 6 : most >= 100'000'000'000 ? 3 : 0};
}

}  // namespace detail

/// Returns a time in seconds: exactly, where a double holds it, and so the same in every unit for whole seconds. Throws
/// OptionError for a unit beyond 18 decimals, as all functions here.
inline double seconds_of(std::int64_t time, TimeUnit unit) {
  const std::int64_t second = detail::ticks_per_second("seconds_of", unit);
  if (second == 1) return static_cast<double>(time);
  return static_cast<double>(time / second) + static_cast<double>(time % second) / static_cast<double>(second);
}

/// Returns the time in another unit, or nullopt when it has none there: a fraction, or beyond 64 bits.
inline std::optional<std::int64_t> convert_time(std::int64_t time, TimeUnit from, TimeUnit to) {
  const std::int64_t per_from = detail::ticks_per_second("convert_time", from);
  const std::int64_t per_to = detail::ticks_per_second("convert_time", to);
  if (per_to < per_from) {
    const std::int64_t ticks = per_from / per_to;
    return time % ticks == 0 ? std::optional(time / ticks) : std::nullopt;
  }
  std::int64_t out = 0;
  return __builtin_mul_overflow(time, per_to / per_from, &out) ? std::nullopt : std::optional(out);
}

namespace detail {

/// Returns the first time in `to` that is not before `time`, or the nearest one that 64 bits hold.
inline std::int64_t first_time_from(std::int64_t time, TimeUnit from, TimeUnit to) {
  if (const auto exact = convert_time(time, from, to)) return *exact;
  if (from > to) return divide_down(time, power_of_ten(from.decimals - to.decimals)) + 1;
  return time < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace detail

/// Returns `2014-04-06 10:51:09.277`, in UTC; for a time outside the years 1 to 9999 the number and its unit.
inline std::string time_text(std::int64_t time, TimeUnit unit) {
  const std::int64_t second = detail::ticks_per_second("time_text", unit), whole = detail::divide_down(time, second);
  if (whole < -62'135'596'800 || whole > 253'402'300'799) return message(time, " ", unit_text(unit));
  const std::chrono::sys_seconds at{std::chrono::seconds(whole)};
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day day(midnight);
  const std::chrono::hh_mm_ss clock(at - midnight);
  const auto padded = [](std::int64_t number, std::size_t width) {
    const std::string digits = std::to_string(number);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
  };
  std::string out = padded(static_cast<int>(day.year()), 4) + "-" + padded(static_cast<unsigned>(day.month()), 2) +
                    "-" + padded(static_cast<unsigned>(day.day()), 2) + " " + padded(clock.hours().count(), 2) + ":" +
                    padded(clock.minutes().count(), 2) + ":" + padded(clock.seconds().count(), 2);
  const std::int64_t fraction = (time % second + second) % second;  // 10^18 twice fits
  if (fraction == 0) return out;
  out += "." + padded(fraction, static_cast<std::size_t>(unit.decimals));
  return out.substr(0, out.find_last_not_of('0') + 1);
}

namespace detail {

/// Collects the times of a log, and settles on one unit for them when all are known, whatever their order.
class TimeColumn {
 public:
  /// Throws OptionError for a scale that is not 0 to 18.
  void add(const DecimalTime& time) {
    if (time.scale < 0 || time.scale > most_decimals) {
      fail<OptionError>("InteractionsBuilder", "a time of scale ", time.scale, ", wanted 0 to ", most_decimals);
    }
    auto& largest = largest_[static_cast<std::size_t>(time.scale)];
    largest = std::max(largest, magnitude(time.digits));
    auto& first = time.date ? first_date_ : first_number_;
    if (first < 0) first = std::ssize(digits_);
    // Whole numbers, the usual times, need no marks.
    const auto mark = static_cast<std::uint8_t>(time.scale | (time.rounded ? rounded_mark : 0));
    if (mark != 0 && marks_.empty()) marks_.resize(digits_.size());
    if (mark != 0 || !marks_.empty()) marks_.push_back(mark);
    digits_.push_back(time.digits);
  }

  /// Returns all times in `unit`, which it sets: the file's unit, with the decimals that the fractions need as far as
  /// 64 bits hold them. `file_unit` is nullopt to find it from the largest whole number. Leaves the column empty.
  /// Throws OptionError when some times are dates and others numbers, and for dates with a file_unit.
  std::vector<std::int64_t> settle(const std::optional<TimeUnit>& file_unit, TimeUnit& unit, TimeReport& report) {
    constexpr std::string_view operation = "InteractionsBuilder";
    report = {.dates = first_date_ >= 0};
    if (report.dates && first_number_ >= 0) {
      fail<OptionError>(operation, "the time of event ", first_number_ + 1, " is a number, that of event ",
                        first_date_ + 1, " a date");
    }
    if (report.dates && file_unit) {
      fail<OptionError>(operation, "the times are dates, which have no unit, got ", unit_text(*file_unit));
    }
    if (!report.dates) report.file_unit = file_unit.value_or(found_unit());
    ticks_per_second(operation, report.file_unit);
    std::int32_t decimals = most_decimals - report.file_unit.decimals;
    while (decimals > 0 && !(needed(decimals) && holds(decimals))) --decimals;
    unit = {report.file_unit.decimals + decimals};
    for (std::size_t e = 0; e < marks_.size(); ++e) {
      const std::int32_t scale = marks_[e] & ~rounded_mark;
      std::int64_t& time = digits_[e];
      bool rounded = (marks_[e] & rounded_mark) != 0;
      if (scale <= decimals) {
        time *= power_of_ten(decimals - scale);
      } else {
        rounded = rounded || time % power_of_ten(scale - decimals) != 0;
        time = divide_down(time, power_of_ten(scale - decimals));
      }
      if (rounded) ++report.rounded;
    }
    std::vector<std::int64_t> times = std::move(digits_);
    *this = {};
    return times;
  }

 private:
  static constexpr int rounded_mark = 128;

  TimeUnit found_unit() const {
    std::uint64_t most = 0;
    for (std::int32_t scale = 0; scale <= most_decimals; ++scale) {
      most = std::max(most, largest_[static_cast<std::size_t>(scale)] / magnitude(power_of_ten(scale)));
    }
    return unit_of_largest(most);
  }
  /// Whether a time has this many decimals or more.
  bool needed(std::int32_t decimals) const {
    return std::any_of(largest_.begin() + decimals, largest_.end(), [](std::uint64_t one) { return one > 0; });
  }
  /// Whether all times with this many decimals fit 64 bits.
  bool holds(std::int32_t decimals) const {
    for (std::int32_t scale = 0; scale < decimals; ++scale) {
      const std::int64_t most = std::numeric_limits<std::int64_t>::max() / power_of_ten(decimals - scale);
      if (largest_[static_cast<std::size_t>(scale)] > static_cast<std::uint64_t>(most)) return false;
    }
    return true;
  }

  std::vector<std::int64_t> digits_;
  std::vector<std::uint8_t> marks_;                         // [times] or empty: the scale, and whether rounded
  std::array<std::uint64_t, most_decimals + 1> largest_{};  // by scale: the largest |digits|
  Index first_number_ = -1, first_date_ = -1;               // the first event of the kind
};

}  // namespace detail

}  // namespace heed::inline HEED_ABI::data
