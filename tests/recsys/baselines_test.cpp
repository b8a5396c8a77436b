// SPDX-License-Identifier: Apache-2.0
// The baselines on the bundled purchases, compared with all published digits: a test of the readers, the split, the
// models, the ranking and the metrics together.
#include "heed/recsys/baselines.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "heed/data/read_baskets.hpp"
#include "heed/recsys/bootstrap.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;

namespace {

const heed::data::Interactions& online_retail() {
  static const auto log = heed::data::read_baskets(HEED_SOURCE_DIR "/examples/data/baskets.tsv");
  return log;
}

/// Returns the evaluations by name.
const std::map<std::string, Evaluation>& baselines() {
  static const auto all = [] {
    std::map<std::string, Evaluation> out;
    const Task task(online_retail(), {.next_basket = true});
    for_each_baseline(task, false, [&](const char* name, double seconds, const auto& model) {
      CHECK(seconds >= 0);
      out.emplace(name, evaluate(task.log(), task.split(), ScoreRanker(model), task.evaluation()));
    });
    return out;
  }();
  return all;
}

void check(const char* name, double hit_rate, double recall, double ndcg, double mrr) {
  const auto digits = [](double value) { return std::round(value * 1e4) / 1e4; };
  const Evaluation& result = baselines().at(name);
  CHECK(result.users.size() == 2776);
  CHECK(digits(result.all.mean().hit_rate) == hit_rate);
  CHECK(digits(result.all.mean().recall) == recall);
  CHECK(digits(result.all.mean().ndcg) == ndcg);
  CHECK(digits(result.all.mean().mrr) == mrr);
}

std::vector<std::string> names(const heed::data::Interactions& log, bool next_basket, bool slow_ones,
                               bool keep_history = false) {
  std::vector<std::string> out;
  for_each_baseline(Task(log, {.next_basket = next_basket, .keep_history = keep_history}), slow_ones,
                    [&](const char* name, double, const auto&) { out.push_back(name); });
  return out;
}

}  // namespace

TEST_CASE("the baselines of each task", "[recsys][baselines]") {
  const auto log = heed::test::repeat_log(6, 8, 4);
  CHECK(names(log, true, false) == std::vector<std::string>{"popularity", "Markov chain", "personal frequency",
                                                            "personal frequency, then recency",
                                                            "personal frequency, then Markov"});
  CHECK(names(log, false, false) == std::vector<std::string>{"popularity", "Markov chain"});
  CHECK(names(log, false, false, true) == names(log, true, false));
  const auto slow = names(log, true, true);
  CHECK(slow.size() == 7);
  CHECK(slow[5] == "TIFU-KNN");
  CHECK(names(log, false, true).back() == "hidden Markov model, 60 states");
}

TEST_CASE("online retail: the numbers of test and validation users", "[recsys][baselines]") {
  const auto split = heed::data::last_basket(online_retail());
  Index tested = 0, validated = 0;
  for (heed::data::Id u = 0; u < split.num_users(); ++u) {
    tested += split.tested(u);
    validated += split.validated(u);
  }
  CHECK(tested == 2776);
  CHECK(validated == 1907);
}

TEST_CASE("online retail: the published figures of every baseline", "[recsys][baselines]") {
  check("popularity", 0.3934, 0.0376, 0.0730, 0.1743);
  check("Markov chain", 0.5587, 0.0948, 0.1487, 0.2887);
  check("personal frequency", 0.7576, 0.1900, 0.2851, 0.4662);
  check("personal frequency, then Markov", 0.7619, 0.1946, 0.2919, 0.4692);
  check("personal frequency, then recency", 0.7504, 0.1906, 0.2839, 0.4628);
}

TEST_CASE("online retail: the gain of Markov as tie-break is significant", "[recsys][baselines]") {
  const auto& a = baselines().at("personal frequency, then Markov");
  const auto& b = baselines().at("personal frequency");
  const auto difference = paired_bootstrap(a.all.ndcg, b.all.ndcg, heed::Random(1), {.resamples = 1000});
  CHECK(difference.mean == Approx(0.0067).margin(0.00015));
  CHECK(difference.low > 0.003);
  CHECK(difference.high < 0.011);
}

}  // namespace HEED_TEST_UNIT
