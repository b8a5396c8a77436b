// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/tifu_knn.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "heed/recsys/evaluate.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;
using Items = std::vector<std::int32_t>;
using Numbers = std::vector<double>;

namespace {

/// Baskets of customers: the texts of items are 0 .. 5.
heed::data::Interactions log_of(const std::vector<std::vector<std::vector<const char*>>>& users) {
  heed::data::InteractionsBuilder builder({.times = true});
  for (const char* item : {"0", "1", "2", "3", "4", "5"}) builder.add("nobody", item, 0);
  for (std::size_t u = 0; u < users.size(); ++u) {
    for (std::size_t b = 0; b < users[u].size(); ++b) {
      for (const char* item : users[u][b]) builder.add("u" + std::to_string(u), item, static_cast<std::int64_t>(b));
    }
  }
  return std::move(builder).build();
}

void check(const Numbers& scores, const Numbers& wanted) {
  REQUIRE(scores.size() == wanted.size());
  for (std::size_t i = 0; i < scores.size(); ++i) CHECK(scores[i] == Approx(wanted[i]).margin(1e-14));
}

}  // namespace

TEST_CASE("TIFU-KNN: the vector of a user, by hand", "[recsys][tifu_knn]") {
  const auto log = log_of({{{"0", "1", "1"}, {"1"}, {"2"}, {"0", "3"}, {"3"}}});
  TifuKnnOptions options{.within_decay_rate = 0.5, .group_decay_rate = 0.25, .num_groups = 2, .alpha = 1};
  const std::vector<Index> none = {0, 0};
  const auto score = [&](Index events) {
    Numbers scores(6);
    TifuKnn(log, none, options).score(log.user(1).first(events), scores);
    return scores;
  };
  // Groups {0 1} {1} and {2} {0 3} {3}: the later one has one basket more.
  const double early = 0.25 / 2 / 2, late = 1.0 / 2 / 3;
  check(score(8), {early * 0.5 + late * 0.5, early * 1.5, late * 0.25, late * 1.5, 0, 0});
  check(score(3), {0.5 * 2, 0.5 * 2, 0, 0, 0, 0});  // one basket: one group
  check(score(4), {0.125, 0.125 + 0.5, 0, 0, 0, 0});
  check(score(0), {0, 0, 0, 0, 0, 0});
  options.num_groups = 9;  // more than baskets: each basket is a group, whatever the rate within
  options.within_decay_rate = 0;
  check(score(5), {0.0625 / 3, (0.0625 + 0.25) / 3, 1.0 / 3, 0, 0, 0});
}

TEST_CASE("TIFU-KNN: neighbours, by hand", "[recsys][tifu_knn]") {
  // One basket each: vectors of ones. u0 {0 1}, u1 {0 1 2}, u2 {0 3}, u3 {4 5}, u4 no training events.
  const auto log = log_of({{{"0", "1"}}, {{"0", "1", "2"}}, {{"0", "3"}}, {{"4", "5"}}, {{"5"}}});
  const std::vector<Index> ends = {0, 2, 3, 2, 2, 0};
  const auto score = [&](const TifuKnnOptions& options, const heed::data::History& past) {
    Numbers scores(6);
    TifuKnn(log, ends, options).score(past, scores);
    return scores;
  };
  // Squared distances from u0: u1 1, u2 2, u3 4; u0 itself, "nobody" and u4 are not neighbours.
  check(score({.num_neighbors = 2, .alpha = 0.75}, log.user(1).first(2)),
        {0.75 + 0.25, 0.75 + 0.25 / 2, 0.25 / 2, 0.25 / 2, 0, 0});
  check(score({.num_neighbors = 9, .alpha = 0}, log.user(1).first(2)),
        {2.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3});
  check(score({.num_neighbors = 0, .alpha = 0.5}, log.user(1).first(2)), {0.5, 0.5, 0, 0, 0, 0});
  // A user outside the log with the same history has u0 as nearest neighbour.
  const Items items = {0, 1};
  const std::vector<std::int64_t> times = {7, 7};
  check(score({.num_neighbors = 1, .alpha = 0.5}, {.items = items, .times = times}), {1, 1, 0, 0, 0, 0});
  // Equal distances: the smaller id. For an empty history u0, u2 and u3 are equally far, u1 is farther.
  check(score({.num_neighbors = 2, .alpha = 0.5}, {}), {0.5, 0.25, 0, 0.25, 0, 0});
}

TEST_CASE("TIFU-KNN: ties by popularity, and errors", "[recsys][tifu_knn]") {
  const auto log = log_of({{{"5"}, {"5"}, {"2"}}, {{"2", "3"}}});
  const std::vector<Index> ends = {0, 3, 2};
  const TifuKnn model(log, ends, {.num_neighbors = 0});
  CHECK(ScoreRanker(model)(std::vector<heed::data::History>(1), {.k = 3}) == std::vector<Items>{{2, 5, 3}});
  Numbers scores(5);
  CHECK_THROWS_WITH(model.score({}, scores), "tifu_knn: wanted 6 scores, got 5");
  CHECK_THROWS_AS(TifuKnn(log, std::vector<Index>{1}), heed::ShapeError);
  CHECK_THROWS_AS(TifuKnn(log, ends, {.num_groups = 0}), heed::OptionError);
  CHECK_THROWS_AS(TifuKnn(log, ends, {.num_neighbors = -1}), heed::OptionError);
  CHECK_THROWS_AS(TifuKnn(log, ends, {.within_decay_rate = 1.5}), heed::OptionError);
  CHECK_THROWS_AS(TifuKnn(log, ends, {.alpha = -0.5}), heed::OptionError);
}

}  // namespace HEED_TEST_UNIT
