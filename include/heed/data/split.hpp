// SPDX-License-Identifier: Apache-2.0
// Which events of a user train, validate and test: three indices per user, without copying the log.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/time.hpp"

namespace heed::inline HEED_ABI::data {

/// Indices into each user's own events, in time order: [0, train_end) trains, [train_end, validation_end) validates,
/// [validation_end, test_end) tests. All events before a target are its history, for tests the validation events too.
struct Split {
  std::vector<Index> train_end;       ///< [users]
  std::vector<Index> validation_end;  ///< [users]
  std::vector<Index> test_end;        ///< [users]

  Index num_users() const { return static_cast<Index>(test_end.size()); }
  bool tested(Id u) const {
    return test_end[static_cast<std::size_t>(u)] > validation_end[static_cast<std::size_t>(u)];
  }
  bool validated(Id u) const {
    return validation_end[static_cast<std::size_t>(u)] > train_end[static_cast<std::size_t>(u)];
  }
};

/// The last event of a user tests, the second to last validates. Users with fewer than three events only train (SASRec,
/// Kang and McAuley 2018).
inline Split leave_one_out(const Interactions& log) {
  Split split;
  for (Id u = 0; u < log.num_users(); ++u) {
    const Index n = log.length(u);
    const Index held_out = n < 3 ? 0 : 1;
    split.train_end.push_back(n - 2 * held_out);
    split.validation_end.push_back(n - held_out);
    split.test_end.push_back(n);
  }
  return split;
}

/// The last basket of a user with at least two baskets tests; with at least three, the one before it validates. Users
/// with one basket only train. The order of the items inside a basket carries no meaning.
inline Split last_basket(const Interactions& log) {
  Split split;
  for (Id u = 0; u < log.num_users(); ++u) {
    const auto times = log.user(u).times;
    const Index n = log.length(u);
    const Index last = n == 0 ? 0 : basket_begin(times, n);          // 0: only one basket
    const Index before = last == 0 ? 0 : basket_begin(times, last);  // 0: `last` starts the second one
    split.train_end.push_back(last == 0 ? n : before == 0 ? last : before);
    split.validation_end.push_back(last == 0 ? n : last);
    split.test_end.push_back(n);
  }
  return split;
}

/// The boundaries of split_by_time.
struct TimeCuts {
  std::int64_t validation_time = 0;  ///< start of the validation window
  std::int64_t test_time = 0;        ///< start of the test window
  TimeUnit unit{};                   ///< of both; the log's may be another one

  void fields(auto&& visitor) { visitor("validation_time", validation_time, "test_time", test_time, "unit", unit); }
  friend bool operator==(const TimeCuts&, const TimeCuts&) = default;
};

namespace detail {

/// Throws OptionError for a window without events.
[[noreturn]] inline void fail_empty_window(std::string_view events, const Interactions& log) {
  const auto [first, last] = std::ranges::minmax_element(log.times);
  const auto text = [&](std::int64_t time) { return message(time_text(time, log.time_unit), " (", time, ")"); };
  fail<OptionError>("split_by_time", "the log has no events ", events, "; its times are from ", text(*first), " to ",
                    text(*last), ", in ", unit_text(log.time_unit));
}

}  // namespace detail

/// Splits all users at the same times: events before validation_time train, events from test_time on test, those
/// between validate (none if both are equal). No training event is later than any user's test event, and events of
/// equal time are in the same part. A user without events in a window is not validated (tested) in it; one whose first
/// event is in it has an empty history. Throws OptionError when the log has no times, validation_time is later than
/// test_time, or no event of the log is in a window.
inline Split split_by_time(const Interactions& log, const TimeCuts& cuts) {
  if (log.times.empty() && log.size() > 0) fail<OptionError>("split_by_time", "the log has no times");
  if (cuts.validation_time > cuts.test_time) {
    fail<OptionError>("split_by_time", "validation_time ", cuts.validation_time, " is later than test_time ",
                      cuts.test_time);
  }
  const auto in_log = [&](std::int64_t cut) { return detail::first_time_from(cut, cuts.unit, log.time_unit); };
  const std::int64_t validation_time = in_log(cuts.validation_time), test_time = in_log(cuts.test_time);
  Split split;
  bool tests = log.size() == 0, validates = tests || cuts.validation_time == cuts.test_time;
  for (Id u = 0; u < log.num_users(); ++u) {
    const auto times = log.user(u).times;
    const auto before = [&](std::int64_t cut) { return std::ranges::lower_bound(times, cut) - times.begin(); };
    split.train_end.push_back(before(validation_time));
    split.validation_end.push_back(before(test_time));
    split.test_end.push_back(log.length(u));
    tests = tests || split.tested(u);
    validates = validates || split.validated(u);
  }
  const auto text = [&](std::int64_t cut) { return time_text(cut, cuts.unit); };
  if (!tests) detail::fail_empty_window(message("from test_time ", text(cuts.test_time), " on"), log);
  if (!validates) {
    detail::fail_empty_window(
        message("from validation_time ", text(cuts.validation_time), " to test_time ", text(cuts.test_time)), log);
  }
  return split;
}

/// Returns the latest time, in the log's unit, before which at most the share `quantile` of all events lies: 0 gives
/// the first event's time, 1 the last one's. Throws OptionError outside [0, 1] and when the log has no times.
inline std::int64_t time_quantile(const Interactions& log, double quantile) {
  if (!(quantile >= 0 && quantile <= 1)) fail<OptionError>("time_quantile", "quantile ", quantile);
  if (log.times.empty()) fail<OptionError>("time_quantile", "the log has no times");
  std::vector<std::int64_t> times = log.times;
  const double place = quantile * static_cast<double>(times.size());
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(std::min(place, static_cast<double>(times.size() - 1)));
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

}  // namespace heed::inline HEED_ABI::data
