// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/comparison.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;

namespace {

Evaluation evaluation(const std::vector<double>& ndcg, double coverage) {
  Evaluation out;
  for (const double value : ndcg) {
    out.users.push_back(static_cast<data::Id>(out.users.size()));
    out.all.add({.ndcg = value});
  }
  out.coverage = coverage;
  return out;
}

}  // namespace

TEST_CASE("figures of a model are means over its seeds, also per user", "[recsys][comparison]") {
  const Measured model{"two seeds", {evaluation({0, 1}, 0.25), evaluation({0.5, 1}, 0.75)}};
  CHECK(model.mean([](const Evaluation& e) { return e.coverage; }) == 0.5);
  CHECK(model.per_user(&Metrics::ndcg) == std::vector<double>{0.25, 1});
}

TEST_CASE("measure_baselines agrees with evaluate", "[recsys][comparison]") {
  const auto log = test::repeat_log(30, 8, 5);
  const Task task(log, {.next_basket = true});
  const auto measured = measure_baselines(task);
  REQUIRE(measured.size() == 5);
  const Popularity popularity(log, task.counted_ends(true), Popularity::Then::text);
  const auto wanted = evaluate(log, task.split(), ScoreRanker(popularity), task.evaluation());
  CHECK(measured[0].name == "popularity");
  CHECK(measured[0].per_user(&Metrics::ndcg) == wanted.all.ndcg);
  CHECK(measured[0].evaluations.front().lists == wanted.lists);
  // Each user's own item is in every basket.
  CHECK(measured[2].mean([](const Evaluation& e) { return e.all.mean().hit_rate; }) == 1);
}

TEST_CASE("the mean AUC of a perfect score is 1, of its opposite 0, of a constant one half", "[recsys][comparison]") {
  const auto log = test::circle_log(20, 12, 6);
  const Task task(log, {.next_basket = false});
  const auto auc_of = [&](double sign, HeldOut held_out) {
    return mean_auc(
        task,
        [&](const data::History& past, std::span<const data::Id> items, std::span<double> scores) {
          const data::Id next = (past.items.back() + 1) % 12;
          for (std::size_t i = 0; i < items.size(); ++i) scores[i] = items[i] == next ? sign : 0;
        },
        held_out);
  };
  for (const HeldOut held_out : {HeldOut::validation, HeldOut::test}) {
    CHECK(auc_of(1, held_out) == 1);
    CHECK(auc_of(-1, held_out) == 0);
    CHECK(auc_of(0, held_out) == 0.5);
  }
}

TEST_CASE("sampled users have test events and their validation events in the history, and are reproducible",
          "[recsys][comparison]") {
  const auto log = test::circle_log(20, 12, 6);
  const Task task(log, {.next_basket = false});
  const auto some = sample_users(task, Random(1), 7), again = sample_users(task, Random(1), 7);
  REQUIRE(some.size() == 7);
  for (std::size_t i = 0; i < some.size(); ++i) {
    CHECK(task.split().tested(some[i].user));
    CHECK(some[i].size() == task.split().validation_end[static_cast<std::size_t>(some[i].user)]);
    CHECK(some[i].user == again[i].user);
  }
  // "nobody", which only fixes the item ids, is a user too.
  CHECK(sample_users(task, Random(1), 1000).size() == 21);
  const auto other = sample_users(task, Random(2), 7);
  CHECK_FALSE(std::equal(some.begin(), some.end(), other.begin(), other.end(),
                         [](const data::History& a, const data::History& b) { return a.user == b.user; }));
}

}  // namespace HEED_TEST_UNIT
