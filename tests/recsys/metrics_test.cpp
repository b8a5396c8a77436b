// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/metrics.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed::recsys;
using Items = std::vector<std::int32_t>;
using Scores = std::vector<double>;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("top k: by score, then tie key, then id", "[recsys][metrics]") {
  const Scores scores = {1, 3, 2, 3, 2};
  CHECK(rank_top_k(scores, 5) == Items{1, 3, 2, 4, 0});
  CHECK(rank_top_k(scores, 3) == Items{1, 3, 2});
  CHECK(rank_top_k(scores, 5, Items{0, 4, 3, 2, 1}) == Items{3, 1, 4, 2, 0});
  CHECK(rank_top_k(scores, 0).empty());
  CHECK(rank_top_k(scores, 9).size() == 5);
  CHECK(rank_top_k({}, 3).empty());
  CHECK_THROWS_AS(rank_top_k(scores, 3, Items{0, 1}), heed::ShapeError);
}

TEST_CASE("items with score -infinity are not recommended", "[recsys][metrics]") {
  CHECK(rank_top_k(Scores{-inf, 5, -1e300, -inf}, 4) == Items{1, 2});
}

TEST_CASE("scores of NaN and infinity are refused wherever they are", "[recsys][metrics]") {
  for (const double bad : {not_a_number, inf}) {
    CHECK_THROWS_WITH(rank_top_k(Scores{1, 2, bad}, 1), Catch::StartsWith("rank_top_k: a score is "));
    CHECK_THROWS_WITH(candidate_metrics(bad, Scores{}, 10), Catch::StartsWith("candidate_metrics: a score is "));
    CHECK_THROWS_WITH(candidate_metrics(1, Scores{2, bad}, 10), Catch::StartsWith("candidate_metrics: a score is "));
    CHECK_THROWS_WITH(auc(Scores{1, bad}, Scores{1}), Catch::StartsWith("auc: a score is "));
    CHECK_THROWS_WITH(auc(Scores{1}, Scores{bad, 1}), Catch::StartsWith("auc: a score is "));
  }
}

TEST_CASE("the metrics of one target among candidates, for each treatment of ties", "[recsys][metrics]") {
  const Scores others = {3, 1, 2, 2, -inf, -inf};
  CHECK(candidate_metrics(4, others, 10).mrr == 1);
  CHECK(candidate_metrics(2, others, 10, Ties::optimistic).mrr == Approx(1.0 / 2));
  CHECK(candidate_metrics(2, others, 10).mrr == Approx(1.0 / 4));
  const RankingMetrics expected = candidate_metrics(2, others, 3, Ties::expected);  // second, third or fourth
  CHECK(expected.hit_rate == Approx(2.0 / 3));
  CHECK(expected.recall == expected.hit_rate);
  CHECK(expected.precision == Approx(2.0 / 9));
  CHECK(expected.mrr == Approx((1.0 / 2 + 1.0 / 3) / 3));
  CHECK(expected.map == expected.mrr);
  CHECK(expected.ndcg == Approx((1 / std::log2(3.0) + 0.5) / 3));
  CHECK(candidate_metrics(0, others, 10).mrr == Approx(1.0 / 5));  // -infinity ranks last
  for (const Ties ties : {Ties::optimistic, Ties::conservative, Ties::expected}) {
    CHECK(candidate_metrics(-inf, others, 10, ties).hit_rate == 0);
    CHECK(candidate_metrics(-inf, Scores{}, 10, ties).hit_rate == 0);
    const RankingMetrics alone = candidate_metrics(1, Scores{}, 1, ties),
                         listed = ranking_metrics(Items{7}, Items{7}, 1);
    CHECK(alone.hit_rate + alone.recall + alone.precision + alone.ndcg + alone.mrr + alone.map == 6);
    CHECK(listed.hit_rate + listed.recall + listed.precision + listed.ndcg + listed.mrr + listed.map == 6);
  }
  const Scores constant(100, 0.5);
  CHECK(candidate_metrics(0.5, constant, 10).hit_rate == 0);
  CHECK(candidate_metrics(0.5, constant, 10, Ties::expected).hit_rate == Approx(10.0 / 101));
  CHECK_THROWS_AS(candidate_metrics(1, others, 0), heed::OptionError);
}

TEST_CASE("area under the ROC curve: ties count half", "[recsys][metrics]") {
  CHECK(auc(Scores{2}, Scores{1, 3, 2, 0}) == Approx(2.5 / 4));
  CHECK(auc(Scores{2, 5}, Scores{1, 3, 2, 0}) == Approx(6.5 / 8));
  CHECK(auc(Scores{1, 1}, Scores{1, 1, 1}) == 0.5);
  CHECK(auc(Scores{-inf}, Scores{-inf, 0}) == 0.25);
  CHECK_THROWS_AS(auc(Scores{}, Scores{1}), heed::OptionError);
  CHECK_THROWS_AS(auc(Scores{1}, Scores{}), heed::OptionError);
}

TEST_CASE("the metrics of a list, by hand", "[recsys][metrics]") {
  const RankingMetrics m = ranking_metrics(Items{9, 4, 7, 1, 2}, Items{1, 2, 4}, 4);
  CHECK(m.hit_rate == 1);
  CHECK(m.recall == Approx(2.0 / 3));
  CHECK(m.precision == Approx(2.0 / 4));
  CHECK(m.mrr == Approx(0.5));
  CHECK(m.map == Approx((1.0 / 2 + 2.0 / 4) / 3));
  const double gains = 1 / std::log2(3.0) + 1 / std::log2(5.0);
  CHECK(m.ndcg == Approx(gains / (1 + 1 / std::log2(3.0) + 1 / std::log2(4.0))));
}

TEST_CASE("edge cases of the metrics", "[recsys][metrics]") {
  const RankingMetrics best = ranking_metrics(Items{3, 1}, Items{1, 2, 3, 4}, 2);  // more targets than places
  CHECK(best.ndcg == Approx(1));
  CHECK(best.recall == Approx(0.5));
  CHECK(best.precision == Approx(1));
  CHECK(best.map == Approx(1));
  const RankingMetrics none = ranking_metrics(Items{3, 1}, Items{1}, 1);
  CHECK(none.hit_rate + none.recall + none.precision + none.ndcg + none.mrr + none.map == 0);
  CHECK(ranking_metrics({}, Items{1}, 10).ndcg == 0);
  CHECK(ranking_metrics(Items{1}, Items{1}, 10).precision == Approx(0.1));  // also for a short list
  CHECK(ranking_metrics(Items{0, 1}, Items{1}, 10).ndcg == Approx(1 / std::log2(3.0)));
  CHECK_THROWS_AS(ranking_metrics(Items{1}, {}, 10), heed::OptionError);
  CHECK_THROWS_AS(ranking_metrics(Items{1}, Items{1}, 0), heed::OptionError);
}

TEST_CASE("metrics are averaged over users", "[recsys][metrics]") {
  Metrics users;
  CHECK(users.mean().ndcg == 0);
  users.add({.hit_rate = 1, .recall = 0.5, .precision = 0.1, .ndcg = 0.25, .mrr = 1, .map = 0.75});
  users.add({});
  CHECK(users.size() == 2);
  CHECK(users.mean().hit_rate == 0.5);
  CHECK(users.mean().recall == 0.25);
  CHECK(users.mean().precision == 0.05);
  CHECK(users.mean().ndcg == 0.125);
  CHECK(users.mean().mrr == 0.5);
  CHECK(users.mean().map == 0.375);
  CHECK(users.at(0).ndcg == 0.25);
  CHECK(users.at(0).map == 0.75);
}

}  // namespace HEED_TEST_UNIT
