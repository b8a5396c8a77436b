// SPDX-License-Identifier: Apache-2.0
#include "heed/data/split.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "heed/core/random.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using heed::data::Split;

namespace {

/// One list per user: the times of the user's events.
heed::data::Interactions log_of(const std::vector<std::vector<int>>& users) {
  heed::data::InteractionsBuilder builder({.times = true});
  for (std::size_t u = 0; u < users.size(); ++u) {
    for (const int time : users[u]) builder.add(std::to_string(u), "item", time);
  }
  return std::move(builder).build();
}
using Cuts = std::vector<Index>;

}  // namespace

TEST_CASE("leave one out", "[data][split]") {
  const Split split = heed::data::leave_one_out(log_of({{1}, {1, 2}, {1, 2, 3}, {7, 7, 7, 7}}));
  CHECK(split.num_users() == 4);
  CHECK(split.train_end == Cuts{1, 2, 1, 2});
  CHECK(split.validation_end == Cuts{1, 2, 2, 3});
  CHECK(split.test_end == Cuts{1, 2, 3, 4});
  CHECK_FALSE(split.tested(1));
  CHECK_FALSE(split.validated(1));
  CHECK(split.tested(2));
  CHECK(split.validated(2));
}

TEST_CASE("the last basket", "[data][split]") {
  const Split split = heed::data::last_basket(log_of({{1, 1}, {1, 1, 2}, {1, 2, 2, 3, 3, 3}, {1, 2, 3, 4}}));
  CHECK(split.train_end == Cuts{2, 2, 1, 2});
  CHECK(split.validation_end == Cuts{2, 2, 3, 3});
  CHECK(split.test_end == Cuts{2, 3, 6, 4});
  CHECK_FALSE(split.tested(0));
  CHECK(split.tested(1));
  CHECK_FALSE(split.validated(1));
  CHECK(split.validated(2));
}

TEST_CASE("users without events have empty parts", "[data][split]") {
  heed::data::Interactions log;
  log.offsets = {0, 0};
  for (const Split& split : {heed::data::leave_one_out(log), heed::data::last_basket(log)}) {
    CHECK(split.num_users() == 1);
    CHECK_FALSE(split.tested(0));
    CHECK_FALSE(split.validated(0));
  }
}

TEST_CASE("split by time: the same times for all users, and equal times in one part", "[data][split]") {
  const auto log = log_of({{1, 2, 3, 4, 5, 6}, {1, 2}, {5, 5, 5}, {3, 3}, {2, 3, 4}});
  const Split split = heed::data::split_by_time(log, {.validation_time = 3, .test_time = 5});
  CHECK(split.train_end == Cuts{2, 2, 0, 0, 1});
  CHECK(split.validation_end == Cuts{4, 2, 0, 2, 3});
  CHECK(split.test_end == Cuts{6, 2, 3, 2, 3});
  CHECK(split.tested(0));
  CHECK_FALSE(split.tested(1));  // all events are before either time
  CHECK_FALSE(split.validated(1));
  CHECK(split.tested(2));
  CHECK_FALSE(split.tested(3));
  CHECK(split.validated(3));

  // A validation window without length.
  const Split at_once = heed::data::split_by_time(log, {.validation_time = 3, .test_time = 3});
  CHECK(at_once.train_end == Cuts{2, 2, 0, 0, 1});
  CHECK(at_once.validation_end == at_once.train_end);

  heed::data::InteractionsBuilder untimed({});
  untimed.add("u", "a");
  const auto plain = std::move(untimed).build();
  CHECK_THROWS_AS(heed::data::split_by_time(plain, {.validation_time = 1, .test_time = 2}), heed::OptionError);
  CHECK_THROWS_AS(heed::data::split_by_time(log, {.validation_time = 3, .test_time = 2}), heed::OptionError);
  CHECK(heed::data::split_by_time({}, {.validation_time = 1, .test_time = 2}).num_users() == 0);
}

TEST_CASE("split by time: an empty window is an error that gives the range of the log", "[data][split]") {
  const auto log = log_of({{1, 2, 3, 8}, {2, 8}});
  CHECK_THROWS_WITH(heed::data::split_by_time(log, {.validation_time = 3, .test_time = 9}),
                    "split_by_time: the log has no events from test_time 1970-01-01 00:00:09 on; its times are from "
                    "1970-01-01 00:00:01 (1) to 1970-01-01 00:00:08 (8), in seconds");
  CHECK_THROWS_WITH(heed::data::split_by_time(log, {.validation_time = 4, .test_time = 8}),
                    Catch::Matchers::Contains("no events from validation_time 1970-01-01 00:00:04 to test_time "
                                              "1970-01-01 00:00:08; its times"));
  CHECK(heed::data::split_by_time(log, {.validation_time = 8, .test_time = 8}).tested(1));
  CHECK(heed::data::split_by_time(log, {.validation_time = 0, .test_time = 0}).train_end == Cuts{0, 0});
}

TEST_CASE("split by time: the cuts may be in another unit than the log", "[data][split]") {
  auto log = log_of({{1000, 1999, 2000, 2001, 3000, 3001, 4000}});
  log.time_unit = {3};
  const auto ends = [&](const heed::data::TimeCuts& cuts) {
    const Split split = heed::data::split_by_time(log, cuts);
    return Cuts{split.train_end[0], split.validation_end[0]};
  };
  CHECK(ends({.validation_time = 2, .test_time = 3}) == Cuts{2, 4});
  CHECK(ends({.validation_time = 2000, .test_time = 3000, .unit = {3}}) == Cuts{2, 4});
  CHECK(ends({.validation_time = 2'000'001, .test_time = 3'000'001, .unit = {6}}) == Cuts{3, 5});
  CHECK(ends({.validation_time = -1'999'999, .test_time = 1'000'001, .unit = {6}}) == Cuts{0, 1});
  const std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  CHECK(ends({.validation_time = least, .test_time = 3}) == Cuts{0, 4});
  CHECK_THROWS_WITH(ends({.validation_time = 2, .test_time = most}),
                    Catch::Matchers::Contains("no events from test_time"));
  CHECK_THROWS_AS(ends({.validation_time = 2, .test_time = 3, .unit = {19}}), heed::OptionError);
}

TEST_CASE("quantiles of the times of all events", "[data][split]") {
  const auto log = log_of({{10, 20, 30, 40}, {50, 60}, {70, 80, 80, 100}});
  using heed::data::time_quantile;
  CHECK(time_quantile(log, 0) == 10);
  CHECK(time_quantile(log, 0.25) == 30);
  CHECK(time_quantile(log, 0.5) == 60);
  CHECK(time_quantile(log, 0.8) == 80);
  CHECK(time_quantile(log, 1) == 100);
  CHECK_THROWS_AS(time_quantile(log, 1.1), heed::OptionError);
  CHECK_THROWS_AS(time_quantile(log, -0.1), heed::OptionError);
  CHECK_THROWS_AS(time_quantile({}, 0.5), heed::OptionError);
}

TEST_CASE("split by time: no event is later than an event of the next part", "[data][split]") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const heed::Random random(seed);
    std::vector<std::vector<int>> users(20);
    std::uint64_t draw = 0;
    for (auto& times : users) {
      times.resize(static_cast<std::size_t>(random.below(draw++, 30)) + 1);
      for (int& time : times) time = static_cast<int>(random.below(draw++, 60));
    }
    const auto log = log_of(users);
    const auto validation = heed::data::time_quantile(log, 0.7), test = heed::data::time_quantile(log, 0.85);
    const Split split = heed::data::split_by_time(log, {.validation_time = validation, .test_time = test});
    std::vector<std::int64_t> parts[3];
    for (heed::data::Id u = 0; u < log.num_users(); ++u) {
      const auto times = log.user(u).times;
      const auto at = static_cast<std::size_t>(u);
      const Index cuts[] = {0, split.train_end[at], split.validation_end[at], split.test_end[at]};
      for (int p = 0; p < 3; ++p) parts[p].insert(parts[p].end(), times.begin() + cuts[p], times.begin() + cuts[p + 1]);
    }
    CHECK(parts[0].size() + parts[1].size() + parts[2].size() == static_cast<std::size_t>(log.size()));
    CHECK(static_cast<double>(parts[0].size()) <= 0.7 * static_cast<double>(log.size()));
    for (int p = 0; p < 2; ++p) {
      if (parts[p].empty() || parts[p + 1].empty()) continue;
      CHECK(*std::max_element(parts[p].begin(), parts[p].end()) <
            *std::min_element(parts[p + 1].begin(), parts[p + 1].end()));
    }
  }
}

}  // namespace HEED_TEST_UNIT
