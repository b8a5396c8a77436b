// SPDX-License-Identifier: Apache-2.0
// The bars on the bundled purchases, to every digit that was published for them: the readers, the split, the models,
// the ranking and the metrics, all at once.
#include <catch2/catch.hpp>
#include <cmath>

#include "heed/data/read_baskets.hpp"
#include "heed/data/split.hpp"
#include "heed/recsys/bootstrap.hpp"
#include "heed/recsys/evaluate.hpp"
#include "heed/recsys/models/markov.hpp"
#include "heed/recsys/models/personal_frequency.hpp"
#include "heed/recsys/models/popularity.hpp"

using heed::Index;
using namespace heed::recsys;

namespace {

struct Setup {
  heed::data::Interactions log = heed::data::read_baskets(HEED_SOURCE_DIR "/examples/data/baskets.tsv");
  heed::data::Split split = heed::data::last_basket(log);
  // What the tests do not hold out: the validation baskets count.
  Popularity popularity{log, split.validation_end};
  Markov markov{log, split.validation_end};
};
const Setup& setup() {
  static const Setup once;
  return once;
}

template <class Model>
Evaluation run(const Model& model) {
  return evaluate(setup().log, setup().split, ScoreRanker(model));
}

void check(const Evaluation& result, double hit_rate, double recall, double ndcg, double mrr) {
  const auto digits = [](double value) { return std::round(value * 1e4) / 1e4; };
  CHECK(result.users.size() == 2776);
  CHECK(digits(result.all.mean().hit_rate) == hit_rate);
  CHECK(digits(result.all.mean().recall) == recall);
  CHECK(digits(result.all.mean().ndcg) == ndcg);
  CHECK(digits(result.all.mean().mrr) == mrr);
}

}  // namespace

TEST_CASE("online retail: who is tested", "[recsys][baselines]") {
  const auto& split = setup().split;
  Index tested = 0, validated = 0;
  for (heed::data::Id u = 0; u < split.num_users(); ++u) {
    tested += split.tested(u);
    validated += split.validated(u);
  }
  CHECK(tested == 2776);
  CHECK(validated == 1907);
}

TEST_CASE("online retail: popularity", "[recsys][baselines]") {
  check(run(setup().popularity), 0.3934, 0.0376, 0.0730, 0.1743);
}

TEST_CASE("online retail: Markov from basket to basket", "[recsys][baselines]") {
  check(run(setup().markov), 0.5587, 0.0948, 0.1487, 0.2887);
}

TEST_CASE("online retail: personal frequency", "[recsys][baselines]") {
  check(run(PersonalFrequency(setup().popularity)), 0.7576, 0.1900, 0.2851, 0.4662);
}

TEST_CASE("online retail: personal frequency, then Markov", "[recsys][baselines]") {
  check(run(PersonalFrequency(setup().markov)), 0.7619, 0.1946, 0.2919, 0.4692);
}

TEST_CASE("online retail: personal frequency, then recency", "[recsys][baselines]") {
  check(run(PersonalFrequency(setup().popularity, PersonalFrequency::Then::recency)), 0.7504, 0.1906, 0.2839, 0.4628);
}

TEST_CASE("online retail: Markov as tie-breaker helps beyond chance", "[recsys][baselines]") {
  const auto a = run(PersonalFrequency(setup().markov)), b = run(PersonalFrequency(setup().popularity));
  const auto difference = paired_bootstrap(a.all.ndcg, b.all.ndcg, heed::Random(1), {.resamples = 1000});
  CHECK(difference.mean == Approx(0.0067).margin(0.00015));
  CHECK(difference.low > 0.003);
  CHECK(difference.high < 0.011);
}
