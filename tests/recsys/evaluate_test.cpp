// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/evaluate.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "heed/recsys/models/popularity.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;
using heed::data::Interactions;
using Items = std::vector<std::int32_t>;

namespace {

/// One list per user; each event is a basket. The texts of items are their ids: 0 .. 9.
Interactions log_of(const std::vector<Items>& users) {
  heed::data::InteractionsBuilder builder({});
  for (int item = 0; item < 10; ++item) builder.add("nobody", std::to_string(item));
  for (std::size_t u = 0; u < users.size(); ++u) {
    for (const auto item : users[u]) builder.add("user " + std::to_string(u), std::to_string(item));
  }
  Interactions log = std::move(builder).build();
  return log;
}

using Histories = std::span<const heed::data::History>;
using Lists = std::vector<Items>;

/// Ranks 0, 1, 2, ... for every user.
Lists by_number(Histories pasts, const RankOptions& options) {
  Lists out;
  for (const auto& past : pasts) {
    Items& list = out.emplace_back();
    for (heed::data::Id i = 0; std::ssize(list) < options.k && i < 10; ++i) {
      if (options.keep_history || std::ranges::count(past.items, i) == 0) list.push_back(i);
    }
  }
  return out;
}

/// The same list for every user.
auto fixed(Items list) {
  return [list](Histories pasts, const RankOptions&) { return Lists(pasts.size(), list); };
}

}  // namespace

TEST_CASE("evaluation, by hand", "[recsys][evaluate]") {
  const Interactions log = log_of({{5, 6, 1}, {2, 9, 2}, {1, 2}});
  const auto split = heed::data::leave_one_out(log);  // "nobody" is tested on 9, given 0 .. 8
  std::vector<Index> asked;
  const auto rank = [&](Histories pasts, const RankOptions& options) {
    for (const auto& past : pasts) asked.push_back(past.size());
    return by_number(pasts, options);
  };
  const Evaluation kept = evaluate(log, split, rank, {.k = 3});
  CHECK(kept.users == Items{0, 1, 2});
  CHECK(kept.lengths == std::vector<Index>{9, 2, 2});
  CHECK(asked == kept.lengths);
  CHECK(kept.all.hit_rate == std::vector<double>{0, 1, 1});
  CHECK(kept.all.ndcg[1] == Approx(1 / std::log2(3.0)));
  CHECK(kept.all.mrr[2] == Approx(1.0 / 3));
  CHECK(kept.repeats.hit_rate == std::vector<double>{1});    // user 1 repeats 2
  CHECK(kept.firsts.hit_rate == std::vector<double>{0, 1});  // 9 of "nobody", 1 of user 0
  CHECK(kept.coverage == Approx(0.3));

  // Without the history the list of "nobody" is {9}, that of user 0 is 0 1 2; user 1 has no target.
  const Evaluation removed = evaluate(log, split, by_number, {.k = 3, .keep_history = false});
  CHECK(removed.users == Items{0, 1});
  CHECK(removed.all.mrr[0] == 1);
  CHECK(removed.all.mrr[1] == Approx(0.5));
  CHECK(removed.coverage == Approx(0.4));

  const Evaluation validation = evaluate(log, split, by_number, {.k = 9, .held_out = HeldOut::validation});
  CHECK(validation.lengths == std::vector<Index>{8, 1, 1});
  CHECK(validation.all.mrr[0] == Approx(1.0 / 9));
  CHECK(validation.all.mrr[1] == Approx(1.0 / 7));
  CHECK(validation.all.mrr[2] == 0);
}

TEST_CASE("repeated items of a basket are one target", "[recsys][evaluate]") {
  heed::data::InteractionsBuilder builder({.times = true});
  for (const char* item : {"0", "1"}) builder.add("u", item, 1);
  for (const char* item : {"1", "2", "2", "3"}) builder.add("u", item, 2);
  const Interactions log = std::move(builder).build();
  const Evaluation result = evaluate(log, heed::data::last_basket(log), fixed({1, 0, 2}), {.k = 3});
  CHECK(result.all.recall == std::vector<double>{2.0 / 3});
  CHECK(result.repeats.recall == std::vector<double>{1});
  CHECK(result.firsts.recall == std::vector<double>{0.5});
  CHECK(result.coverage == 0.75);
  // If the history is excluded, so are targets in it.
  const Evaluation firsts = evaluate(log, heed::data::last_basket(log), fixed({2}), {.k = 3, .keep_history = false});
  CHECK(firsts.targets == std::vector<Items>{{2, 3}});
  CHECK(firsts.all.recall == result.firsts.recall);
  CHECK(firsts.repeats.size() == 0);
}

TEST_CASE("metrics at other cut-offs from the same lists", "[recsys][evaluate]") {
  const Interactions log = log_of({{5, 6, 1}, {2, 9, 2}, {1, 2}});
  const auto split = heed::data::leave_one_out(log);
  const bool keep = GENERATE(true, false);
  const Evaluation deep = evaluate(log, split, by_number, {.k = 3, .keep_history = keep, .depth = 8});
  CHECK(deep.list_length == 8);
  for (const Index k : {1, 3, 5, 8}) {
    const Evaluation alone = evaluate(log, split, by_number, {.k = k, .keep_history = keep});
    CHECK(deep.at(k).ndcg == alone.all.ndcg);
    CHECK(deep.at(k).map == alone.all.map);
    CHECK(alone.list_length == k);
    if (k != 3) continue;
    CHECK(deep.all.ndcg == alone.all.ndcg);
    CHECK(deep.coverage == alone.coverage);
    CHECK(deep.firsts.ndcg == alone.firsts.ndcg);
    CHECK(deep.repeats.ndcg == alone.repeats.ndcg);
  }
  REQUIRE(std::ssize(deep.targets) == (keep ? 3 : 2));  // user 1 repeats an item that is excluded
  CHECK(deep.targets.back() == Items{keep ? 2 : 1});
  CHECK(deep.lists.back().front() == 0);
  CHECK_THROWS_AS(deep.at(9), heed::OptionError);
  CHECK_THROWS_AS(deep.at(0), heed::OptionError);
}

TEST_CASE("invalid lists are errors", "[recsys][evaluate]") {
  const Interactions log = log_of({{5, 6, 1}});
  const auto split = heed::data::leave_one_out(log);
  CHECK_THROWS_WITH(evaluate(log, split, fixed({1, 2, 1})), "evaluate: item 1 was recommended twice in a list");
  CHECK_THROWS_AS(evaluate(log, split, fixed({10})), heed::IndexError);
  CHECK_THROWS_AS(evaluate(log, split, fixed({-1})), heed::IndexError);
  CHECK_THROWS_AS(evaluate(log, split, by_number, {.k = 0}), heed::OptionError);
  CHECK_THROWS_AS(evaluate(log, heed::data::Split{}, by_number), heed::ShapeError);
  CHECK_THROWS_WITH(evaluate(log, split, fixed({5}), {.keep_history = false}),
                    "evaluate: an item of user 0's history was recommended");
  CHECK_THROWS_WITH(evaluate(log, split, fixed({1, 2, 3}), {.k = 2}), "evaluate: a list of 3 items, wanted 2 at most");
  const auto too_few = [](Histories, const RankOptions&) { return Lists(); };
  CHECK_THROWS_WITH(evaluate(log, split, too_few), "evaluate: wanted a list for each of 2 users, got 0");
  CHECK(evaluate(log, split, fixed({})).all.mean().ndcg == 0);
  CHECK(evaluate(Interactions{}, heed::data::Split{}, by_number).users.empty());
}

TEST_CASE("users are ranked in blocks, in order, and memory is proportional to users times k", "[recsys][evaluate]") {
  constexpr Index users = 3000, items = 20000;
  heed::data::InteractionsBuilder builder({});
  for (Index i = 0; i < items; ++i) builder.add("nobody", std::to_string(i));
  for (Index u = 0; u < users; ++u) {
    for (Index i = 0; i < 3; ++i) builder.add("user " + std::to_string(u), std::to_string((u + i) % 100));
  }
  const Interactions log = std::move(builder).build();
  const auto split = heed::data::leave_one_out(log);
  const Popularity popularity(log, split.validation_end);
  ScoreRanker ranker(popularity);
  std::vector<std::size_t> blocks;
  std::vector<heed::data::Id> asked;
  const auto recorded = [&](Histories pasts, const RankOptions& options) {
    blocks.push_back(pasts.size());
    for (const auto& past : pasts) asked.push_back(past.user);
    return ranker(pasts, options);
  };
  const std::size_t before = heed::test::held_bytes();
  heed::test::restart_peak();
  const Evaluation result = evaluate(log, split, recorded, {.k = 10});
  const std::size_t peak = heed::test::peak_bytes() - before;
  CHECK(result.users == asked);
  CHECK(blocks.size() > 1);
  CHECK(blocks.size() < 10);
  REQUIRE(std::ssize(result.lists) == users + 1);
  for (const auto& list : result.lists) {
    if (list.capacity() > 10) FAIL("a list of 10 items has capacity " << list.capacity());
  }
  // Lists with the capacity of the catalogue would need 240 MB.
  CHECK(peak < 4'000'000);
}

TEST_CASE("groups by history length", "[recsys][evaluate]") {
  Evaluation result;
  result.lengths = {9, 1, 2, 1, 7, 8};
  for (const double ndcg : {0.9, 0.1, 0.2, 0.3, 0.7, 0.8}) result.all.add({.ndcg = ndcg});
  const auto groups = by_history_length(result);
  CHECK(groups[0].metrics.ndcg == std::vector<double>{0.1, 0.3});
  CHECK(groups[0].shortest == 1);
  CHECK(groups[0].longest == 1);
  CHECK(groups[1].metrics.ndcg == std::vector<double>{0.2, 0.7});
  CHECK(groups[1].shortest == 2);
  CHECK(groups[1].longest == 7);
  CHECK(groups[2].metrics.ndcg == std::vector<double>{0.9, 0.8});
  CHECK(groups[2].shortest == 8);
  CHECK(groups[2].longest == 9);
  CHECK(by_history_length({})[2].metrics.size() == 0);
}

}  // namespace HEED_TEST_UNIT
