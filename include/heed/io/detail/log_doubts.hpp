// SPDX-License-Identifier: Apache-2.0
// What is doubtful about a log that was read without an error: sentences for the terminal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/read_report.hpp"
#include "heed/data/time.hpp"
#include "heed/data/vocabulary.hpp"

namespace heed::inline HEED_ABI::io::detail {

/// Whether `id` is a number as a spreadsheet writes a long one, of which it has dropped digits: `7.61E+17`.
inline bool is_rounded_number(std::string_view id) {
  const std::size_t e = id.find_first_of("eE");
  if (e == std::string_view::npos || e + 2 >= id.size() || id[e + 1] != '+') return false;
  std::string_view digits = id.substr(0, e);
  if (digits.size() > 1 && digits[1] == '.') digits.remove_prefix(2);
  return data::detail::is_whole_number(digits) && data::detail::is_whole_number(id.substr(e + 2)) && id[0] >= '0' &&
         id[0] <= '9';
}

/// Returns the format of dates in which the digits of all times, which are numbers, are dates: `%Y%m%d` of 20140407.
/// Empty when there is none.
inline std::string_view format_of_digits(const data::Interactions& log, const data::ReadReport& report) {
  if (log.times.empty() || report.times.dates || log.time_unit != report.times.file_unit) return {};
  constexpr std::pair<std::int64_t, std::string_view> formats[] = {
      {1, "%Y%m%d"}, {10'000, "%Y%m%d%H%M"}, {1'000'000, "%Y%m%d%H%M%S"}};
  for (const auto& known : formats) {
    const auto is_date = [clock = known.first](std::int64_t time) {
      const std::int64_t date = time / clock, year = date / 10'000, month = date / 100 % 100, day = date % 100;
      return year >= 1900 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    };
    if (std::ranges::all_of(log.times, is_date)) return known.second;
  }
  return {};
}

/// Returns the doubts about the log that `report` describes. `has_columns`: whether options name its columns.
inline std::vector<std::string> log_doubts(const data::Interactions& log, const data::ReadReport& report,
                                           bool has_columns) {
  using data::detail::quoted;
  std::vector<std::string> out;
  const auto look = [&](const data::Vocabulary& ids, const char* what) {
    const auto warn_of = [&](auto&& is_bad, const char* why) {
      Index count = 0;
      data::Id first = 0;
      for (data::Id id = 0; id < ids.size(); ++id) {
        if (is_bad(ids.text(id)) && count++ == 0) first = id;
      }
      if (count > 0) out.push_back(message(count, " of ", ids.size(), " ", what, " ", why, quoted(ids.text(first))));
    };
    warn_of(is_rounded_number, "are rounded numbers, so that different ones may have become one: ");
    warn_of([](std::string_view id) { return data::detail::trimmed(id).size() != id.size(); },
            "begin or end with a blank, which makes them different from those without: ");
  };
  look(log.users, "users");
  look(log.catalogue.items, "items");
  for (data::Id id = 0; id < log.catalogue.items.size(); ++id) {
    const std::string_view item = log.catalogue.items.text(id);
    if (data::detail::is_missing(item)) {
      out.push_back(message("The log has an item ", quoted(item), ": do lines without an item say so?"));
    }
  }
  const auto once = [&](Index ids, const char* what, const char* flag) {
    if (report.events < 100 || 10 * ids < 9 * report.events) return;
    out.push_back(message(report.events, " events have ", ids, " ", what,
                          has_columns ? message(": is ", flag, " right?") : ", of which hardly any comes twice"));
  };
  once(report.users, "users", "--user-column");
  once(report.items, "items", "--item-column");
  if (const std::string_view format = format_of_digits(log, report); !format.empty()) {
    out.push_back(message("The times are numbers, but look like dates (", log.times[0], "): does --time-format ",
                          format, " read them?"));
  }
  if (report.first_time) {
    constexpr double thirty_years = 30 * 365.25 * 86'400;
    const auto seconds = [&](std::int64_t time) { return data::seconds_of(time, report.time_unit); };
    if (seconds(*report.last_time) - seconds(*report.first_time) > thirty_years) {
      const auto text = [&](std::int64_t time) { return data::time_text(time, report.time_unit); };
      out.push_back(message("The times span more than 30 years, from ", text(*report.first_time), " to ",
                            text(*report.last_time), ": are some in another unit, or placeholders?"));
    }
  }
  return out;
}

}  // namespace heed::inline HEED_ABI::io::detail
