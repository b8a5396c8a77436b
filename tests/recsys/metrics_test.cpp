// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/metrics.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

using namespace heed::recsys;
using Items = std::vector<std::int32_t>;
using Scores = std::vector<double>;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("top k: score, then tie key, then number", "[recsys][metrics]") {
  const Scores scores = {1, 3, 2, 3, 2};
  CHECK(rank_top_k(scores, 5) == Items{1, 3, 2, 4, 0});
  CHECK(rank_top_k(scores, 3) == Items{1, 3, 2});
  CHECK(rank_top_k(scores, 5, Items{0, 4, 3, 2, 1}) == Items{3, 1, 4, 2, 0});
  CHECK(rank_top_k(scores, 0).empty());
  CHECK(rank_top_k(scores, 9).size() == 5);
  CHECK(rank_top_k({}, 3).empty());
  CHECK_THROWS_AS(rank_top_k(scores, 3, Items{0, 1}), heed::ShapeError);
}

TEST_CASE("what cannot be recommended is not", "[recsys][metrics]") {
  CHECK(rank_top_k(Scores{-inf, not_a_number, -1e300, inf}, 4) == Items{3, 2});
}

TEST_CASE("the rank of one target: ties count against it", "[recsys][metrics]") {
  const Scores scores = {1, 3, 2, 3, not_a_number, -inf};
  CHECK(rank_of(scores, 1) == 1);
  CHECK(rank_of(scores, 3) == 1);
  CHECK(rank_of(scores, 2) == 2);
  CHECK(rank_of(scores, 0) == 3);
  CHECK(rank_of(scores, 4) == 6);
  CHECK(rank_of(scores, 5) == 6);
  CHECK(rank_of(Scores(100, 0.5), 0) == 99);  // constant scores find nothing
  CHECK_THROWS_AS(rank_of(scores, 6), heed::IndexError);
  CHECK_THROWS_AS(rank_of(scores, -1), heed::IndexError);
}

TEST_CASE("the metrics of a list, by hand", "[recsys][metrics]") {
  const RankingMetrics m = ranking_metrics(Items{9, 4, 7, 1, 2}, Items{1, 2, 4}, 4);
  CHECK(m.hit_rate == 1);
  CHECK(m.recall == Approx(2.0 / 3));
  CHECK(m.precision == Approx(2.0 / 4));
  CHECK(m.mrr == Approx(0.5));
  const double gains = 1 / std::log2(3.0) + 1 / std::log2(5.0);
  CHECK(m.ndcg == Approx(gains / (1 + 1 / std::log2(3.0) + 1 / std::log2(4.0))));
}

TEST_CASE("the ends of the metrics", "[recsys][metrics]") {
  const RankingMetrics best = ranking_metrics(Items{3, 1}, Items{1, 2, 3, 4}, 2);  // more targets than places
  CHECK(best.ndcg == Approx(1));
  CHECK(best.recall == Approx(0.5));
  CHECK(best.precision == Approx(1));
  const RankingMetrics none = ranking_metrics(Items{3, 1}, Items{1}, 1);
  CHECK(none.hit_rate + none.recall + none.precision + none.ndcg + none.mrr == 0);
  CHECK(ranking_metrics({}, Items{1}, 10).ndcg == 0);
  CHECK(ranking_metrics(Items{1}, Items{1}, 10).precision == Approx(0.1));  // a short list is no excuse
  CHECK(ranking_metrics(Items{0, 1}, Items{1}, 10).ndcg == Approx(1 / std::log2(3.0)));
  CHECK_THROWS_AS(ranking_metrics(Items{1}, {}, 10), heed::OptionError);
  CHECK_THROWS_AS(ranking_metrics(Items{1}, Items{1}, 0), heed::OptionError);
}

TEST_CASE("means over users", "[recsys][metrics]") {
  Metrics users;
  CHECK(users.mean().ndcg == 0);
  users.add({.hit_rate = 1, .recall = 0.5, .precision = 0.1, .ndcg = 0.25, .mrr = 1});
  users.add({});
  CHECK(users.size() == 2);
  CHECK(users.mean().hit_rate == 0.5);
  CHECK(users.mean().recall == 0.25);
  CHECK(users.mean().precision == 0.05);
  CHECK(users.mean().ndcg == 0.125);
  CHECK(users.mean().mrr == 0.5);
  CHECK(users.at(0).ndcg == 0.25);
}
