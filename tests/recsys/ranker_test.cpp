// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/ranker.hpp"

#include <catch2/catch.hpp>
#include <type_traits>
#include <vector>

#include "heed/recsys/evaluate_sampled.hpp"
#include "heed/recsys/models/personal_frequency.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;
using Items = std::vector<data::Id>;

TEST_CASE("a score ranker breaks ties by the model's keys, or else by id", "[recsys][ranker]") {
  struct Plain {
    Index num_items() const { return 4; }
    void score(const data::History&, std::span<double> scores) const {
      for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = i == 2 ? 1 : 0;
    }
  };
  struct Keyed : Plain {
    Items keys = {3, 2, 1, 0};
    std::span<const std::int32_t> tie_keys() const { return keys; }
  };
  const Plain plain;
  const Keyed keyed;
  const std::vector<data::History> nobody(2);
  CHECK(ScoreRanker(plain)(nobody, {.k = 3}) == std::vector<Items>(2, Items{2, 0, 1}));
  CHECK(ScoreRanker(keyed)(nobody, {.k = 3}) == std::vector<Items>(2, Items{2, 3, 1}));
}

TEST_CASE("a score ranker excludes the history from a list of k", "[recsys][ranker]") {
  struct Falling {
    Index num_items() const { return 5; }
    void score(const data::History&, std::span<double> scores) const {
      for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<double>(i);
    }
  };
  const Falling model;
  ScoreRanker ranker(model);
  const Items items = {2, 0, 2};
  const std::vector<data::History> pasts = {{.items = items}, {}};
  CHECK(ranker(pasts, {.k = 2}) == std::vector<Items>{{0, 1}, {0, 1}});
  CHECK(ranker(pasts, {.k = 4, .keep_history = false}) == std::vector<Items>{{1, 3, 4}, {0, 1, 2, 3}});

  const Items unknown = {5};
  CHECK_THROWS_WITH(ranker(std::vector<data::History>{{.items = unknown}}, {.k = 2, .keep_history = false}),
                    "ScoreRanker: item 5 of a history for a model of 5 items");
}

TEST_CASE("adapters of a history scorer cannot be made of a temporary one", "[recsys][ranker]") {
  STATIC_REQUIRE(Ranker<ScoreRanker<Popularity>>);
  STATIC_REQUIRE(std::is_constructible_v<ScoreRanker<Popularity>, const Popularity&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<ScoreRanker<Popularity>, Popularity>);
  STATIC_REQUIRE(std::is_constructible_v<PersonalFrequency, const Popularity&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<PersonalFrequency, Popularity>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<PersonalFrequency, Popularity, PersonalFrequency::Then>);
  STATIC_REQUIRE(std::is_constructible_v<PersonalFrequency, const Markov&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<PersonalFrequency, Markov>);
  STATIC_REQUIRE_FALSE(
      std::is_invocable_v<decltype([](auto&& model) -> decltype(candidate_scorer(
                                                        std::forward<decltype(model)>(model))) { throw 0; }),
                          Popularity>);
}

}  // namespace HEED_TEST_UNIT
