// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/evaluate_sampled.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;
using Items = std::vector<std::int32_t>;

namespace {

/// 50 items; 30 users with 8 events; smaller items are more frequent.
heed::data::Interactions skewed_log() {
  heed::data::InteractionsBuilder builder({});
  for (int item = 0; item < 50; ++item) builder.add("nobody", std::to_string(item));
  for (int u = 0; u < 30; ++u) {
    const heed::Random random = heed::Random(3).fork(static_cast<std::uint64_t>(u));
    for (std::uint64_t t = 0; t < 8; ++t) {
      const double x = random.uniform(t);
      builder.add("user " + std::to_string(u), std::to_string(static_cast<int>(50 * x * x)));
    }
  }
  return std::move(builder).build();
}

/// Scores an item by its id and records its input.
struct Recorder {
  std::vector<Items> asked;
  void operator()(const heed::data::History&, std::span<const std::int32_t> items, std::span<double> scores) {
    asked.emplace_back(items.begin(), items.end());
    std::copy(items.begin(), items.end(), scores.begin());
  }
};

}  // namespace

TEST_CASE("negatives are neither targets nor in the history, and the same for every model", "[recsys][sampled]") {
  const auto log = skewed_log();
  const auto split = heed::data::leave_one_out(log);
  const auto candidates = GENERATE(Candidates::uniform, Candidates::popularity);
  const bool replacement = GENERATE(true, false);
  const EvaluateSampledOptions options{
      .candidates = candidates, .count = 20, .replacement = replacement, .random = heed::Random(5)};
  Recorder first, second, other;
  const SampledEvaluation result = evaluate_sampled(log, split, first, options);
  evaluate_sampled(log, split, second, options);
  CHECK(first.asked == second.asked);
  auto reseeded = options;
  reseeded.random = heed::Random(6);
  evaluate_sampled(log, split, other, reseeded);
  CHECK(first.asked != other.asked);

  Items users;  // not "nobody", whose history has all items but the target: no negative is left
  for (heed::data::Id u = 1; u < log.num_users(); ++u) {
    const auto events = log.user(u).items;
    if (std::count(events.begin(), events.end(), events.back()) == 1) users.push_back(u);
  }
  REQUIRE(users.size() > 10);
  REQUIRE(users.size() < 30);  // some users repeat an item, which is then not a target
  REQUIRE(result.users == users);
  CHECK(result.metrics.size() == std::ssize(users));
  for (std::size_t i = 0; i < result.users.size(); ++i) {
    const auto events = log.user(result.users[i]).items;
    const Items& asked = first.asked[i];
    CHECK(asked.size() == 21);
    CHECK(asked[0] == events.back());
    for (std::size_t n = 1; n < asked.size(); ++n) CHECK(std::count(events.begin(), events.end(), asked[n]) == 0);
    if (!replacement) CHECK(heed::data::distinct(asked).size() == asked.size());
  }
}

TEST_CASE("popular items are sampled more often as negatives", "[recsys][sampled]") {
  const auto log = skewed_log();
  const auto split = heed::data::leave_one_out(log);
  const auto mean = [&](Candidates candidates) {
    Recorder recorder;
    evaluate_sampled(log, split, recorder, {.candidates = candidates, .count = 200, .keep_history = true});
    double sum = 0, n = 0;
    for (const Items& asked : recorder.asked) {
      for (std::size_t i = 1; i < asked.size(); ++i, ++n) sum += asked[i];
    }
    return sum / n;
  };
  // Expected values: 24.5, and the mean over the histories' counts (a third of the events are of "nobody", uniform).
  CHECK(mean(Candidates::uniform) == Approx(24.5).margin(0.6));
  double weighted = 0, total = 0;
  for (heed::data::Id u = 0; u < log.num_users(); ++u) {
    const auto past = log.user(u).first(split.validation_end[static_cast<std::size_t>(u)]).items;
    for (const auto item : past) weighted += item, ++total;
  }
  CHECK(mean(Candidates::popularity) == Approx(weighted / total).margin(0.6));
}

TEST_CASE("with all candidates: equal to full ranking, and AUC by hand", "[recsys][sampled]") {
  const auto log = skewed_log();
  const auto split = heed::data::leave_one_out(log);
  struct Model {
    Index num_items() const { return 50; }
    void score(const heed::data::History&, std::span<double> scores) const {
      for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<double>(i / 2);  // ties in pairs
    }
    Items keys = Items(50);
    Model() { std::iota(keys.begin(), keys.end(), 0); }
    std::span<const std::int32_t> tie_keys() const { return keys; }
  };
  const Model model;
  const Evaluation full = evaluate(log, split, ScoreRanker(model), {.keep_history = false});
  const SampledEvaluation all = evaluate_sampled(log, split, candidate_scorer(model), {.candidates = Candidates::all});
  REQUIRE(full.users.size() == all.users.size() + 1);  // "nobody" has no negatives
  REQUIRE(all.users.size() > 10);
  for (std::size_t i = 1; i < full.users.size(); ++i) {
    REQUIRE(full.users[i] == all.users[i - 1]);
    const auto known = heed::data::distinct(log.user(full.users[i]).first(full.lengths[i]).items);
    const auto is_known = [&](std::int32_t item) { return std::binary_search(known.begin(), known.end(), item); };
    REQUIRE(full.targets[i].size() == 1);
    CHECK_FALSE(is_known(full.targets[i][0]));
    CHECK(all.metrics.ndcg[i - 1] == Approx(full.all.ndcg[i]));
    double behind = 0, others = 0;
    for (std::int32_t item = 0; item < 50; ++item) {
      if (item == full.targets[i][0] || is_known(item)) continue;
      ++others;
      behind += item > full.targets[i][0];
    }
    CHECK(all.auc[i - 1] == Approx(behind / others));
  }
}

TEST_CASE("several targets are ranked separately, and constant scores find no target", "[recsys][sampled]") {
  heed::data::InteractionsBuilder builder({.times = true});
  for (int item = 0; item < 6; ++item) builder.add("nobody", std::to_string(item), item < 5 ? 0 : 1);
  for (const char* item : {"0"}) builder.add("u", item, 1);
  for (const char* item : {"5", "2", "2"}) builder.add("u", item, 2);
  const auto log = std::move(builder).build();
  const auto split = heed::data::last_basket(log);
  const auto by_number = [](const heed::data::History&, std::span<const std::int32_t> items, std::span<double> scores) {
    std::copy(items.begin(), items.end(), scores.begin());
  };
  const auto result = evaluate_sampled(log, split, by_number, {.k = 2, .candidates = Candidates::all});
  CHECK(result.users == Items{1});
  CHECK(result.metrics.mrr == std::vector<double>{(1.0 + 0) / 2});  // 5 is above 1 3 4; 2 is below 3 and 4
  CHECK(result.auc == std::vector<double>{(3.0 + 1) / 6});
  const auto constant = [](const heed::data::History&, std::span<const std::int32_t>, std::span<double> scores) {
    std::fill(scores.begin(), scores.end(), 1.0);
  };
  const auto nothing = evaluate_sampled(log, split, constant, {.k = 3, .candidates = Candidates::all});
  CHECK(nothing.metrics.hit_rate == std::vector<double>{0});
  CHECK(nothing.auc == std::vector<double>{0.5});
  CHECK_THROWS_AS(evaluate_sampled(log, split, constant, {.k = 0}), heed::OptionError);
  CHECK_THROWS_AS(evaluate_sampled(log, split, constant, {.count = 0}), heed::OptionError);
  CHECK_THROWS_AS(evaluate_sampled(log, heed::data::Split{}, constant), heed::ShapeError);
}

}  // namespace HEED_TEST_UNIT
