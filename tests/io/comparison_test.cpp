// SPDX-License-Identifier: Apache-2.0
#include "heed/io/comparison.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;

namespace {

/// A model with NDCG and recall of `value` plus a different offset per user.
Measured model(const std::string& name, double value) {
  Evaluation evaluation;
  for (data::Id u = 0; u < 4; ++u) {
    evaluation.users.push_back(u);
    const double own = 0.1 * static_cast<double>(u);
    evaluation.all.add({.hit_rate = 1, .recall = value / 2 + own, .ndcg = value + own, .mrr = 0.5});
  }
  evaluation.repeats.add({.ndcg = 0.25});
  evaluation.coverage = 0.125;
  return {name, {evaluation}};
}

}  // namespace

TEST_CASE("the table of metrics has a row per model, and 0 where there are no targets", "[io][comparison]") {
  const io::Table table = io::metrics_table({model("a", 0.1), model("b", 0.3)}, 5);
  CHECK(table.header == std::vector<std::string>{"model", "HitRate@5", "Recall@5", "NDCG@5", "MRR", "coverage",
                                                 "NDCG repeat", "NDCG new"});
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[1] ==
        std::vector<std::string>{"b", "1.0000", "0.3000", "0.4500", "0.5000", "0.1250", "0.2500", "0.0000"});
}

TEST_CASE("differences have a sign and an interval, paired by user", "[io][comparison]") {
  // With the same difference for every user, the bootstrap interval has zero width.
  const io::Table table = io::differences_table(model("a", 0.1), {model("b", 0.3), model("c", 0)}, 5, Random(1));
  CHECK(table.header == std::vector<std::string>{"a minus", "NDCG@5", "Recall@5"});
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0] == std::vector<std::string>{"b", "-0.2000 [-0.2000, -0.2000]", "-0.1000 [-0.1000, -0.1000]"});
  CHECK(table.rows[1] == std::vector<std::string>{"c", "+0.1000 [0.1000, 0.1000]", "+0.0500 [0.0500, 0.0500]"});
  Measured fewer = model("d", 0);
  fewer.evaluations.front().users.pop_back();
  CHECK_THROWS_AS(io::differences_table(model("a", 0), {fewer}, 5, Random(1)), ShapeError);
}

}  // namespace HEED_TEST_UNIT
