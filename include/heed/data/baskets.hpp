// SPDX-License-Identifier: Apache-2.0
// What the baskets of a log are: events of a user at one time, or on one day.
#pragma once

#include <algorithm>
#include <cstdint>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/data/history.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/time.hpp"

namespace heed::inline HEED_ABI::data {

/// none: single events, though some may have equal times. time: the events of a user at one time are a basket. day:
/// those on one day (UTC) are.
enum class Baskets { none, time, day };
constexpr auto names(Baskets) { return enum_names("none", "time", "day"); }

/// Returns the beginning of a time's day in UTC. Throws OptionError when 64 bits do not hold it.
inline std::int64_t day_of(std::int64_t time, TimeUnit unit) {
  std::int64_t day = 0, begin = 0;
  if (__builtin_mul_overflow(detail::ticks_per_second("day_of", unit), 86'400, &day)) {
    if (time >= 0) return 0;  // 64 bits hold less than a day
  } else if (!__builtin_mul_overflow(detail::divide_down(time, day), day, &begin)) {
    return begin;
  }
  fail<OptionError>("day_of", "64 bits do not hold the beginning of the day of ", time, " in ", unit_text(unit));
}

/// Returns `log` with every time at the beginning of its day, so that a user's events of a day are one basket, in the
/// order of the log. Events of one item on a day are all kept. Throws OptionError for a log without times, and as
/// day_of.
inline Interactions days_as_baskets(Interactions log) {
  if (log.times.empty() && log.size() > 0) fail<OptionError>("days_as_baskets", "the log has no times");
  for (std::int64_t& time : log.times) time = day_of(time, log.time_unit);
  return log;
}

/// Returns the number of events that have the time of another event of their user.
inline Index shared_times(const Interactions& log) {
  Index shared = 0;
  for (Id u = 0; !log.times.empty() && u < log.num_users(); ++u) {
    const auto times = log.user(u).times;
    for (Index begin = 0, end = 0; begin < log.length(u); begin = end) {
      end = basket_end(times, log.length(u), begin);
      if (end - begin > 1) shared += end - begin;
    }
  }
  return shared;
}

/// Returns what the baskets of a log are whose times were written as `dates`, or else as numbers. Dates without a time
/// of day make the day the basket. So do dates without seconds, which tills write, when most events share the time of
/// another one: nothing tells their order. All other logs are of single events: clicks and ratings often share a second
/// (three quarters of those of MovieLens-100K do), and have an order all the same.
inline Baskets found_baskets(const Interactions& log, bool dates) {
  if (!dates || log.times.empty()) return Baskets::none;
  const std::int64_t second = detail::ticks_per_second("found_baskets", log.time_unit);
  const auto all_whole = [&](std::int64_t seconds) {
    return std::ranges::all_of(log.times,
                               [=](auto time) { return time % second == 0 && time / second % seconds == 0; });
  };
  if (all_whole(86'400)) return Baskets::day;
  return all_whole(60) && 2 * shared_times(log) > log.size() ? Baskets::day : Baskets::none;
}

}  // namespace heed::inline HEED_ABI::data
