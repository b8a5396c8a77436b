// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/popularity.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;

TEST_CASE("popularity counts the first events of each user, ties by id", "[recsys][popularity]") {
  heed::data::InteractionsBuilder builder({});
  for (const char* item : {"30", "30", "4", "7", "7"}) builder.add("u", item);
  for (const char* item : {"9", "4"}) builder.add("v", item);
  const auto log = std::move(builder).build();  // 30 4 7 9 have ids 0 1 2 3
  const Popularity model(log, std::vector<Index>{5, 1});
  std::vector<double> scores(4);
  model.score({}, scores);
  CHECK(scores == std::vector<double>{2, 1, 2, 1});
  const auto keys = model.tie_keys();
  CHECK(std::vector<std::int32_t>(keys.begin(), keys.end()) == std::vector<std::int32_t>{1, 2, 0, 3});
  CHECK(model.num_items() == 4);
  const Popularity first(log, std::vector<Index>{5, 1}, Popularity::Then::first);
  const auto by_first = first.tie_keys();
  CHECK(std::vector<std::int32_t>(by_first.begin(), by_first.end()) == std::vector<std::int32_t>{0, 2, 1, 3});
  const Popularity second(log, std::vector<Index>{0, 2}, Popularity::Then::first);  // 9, 4; then 30, 7 without counts
  const auto uncounted = second.tie_keys();
  CHECK(std::vector<std::int32_t>(uncounted.begin(), uncounted.end()) == std::vector<std::int32_t>{2, 1, 3, 0});
  CHECK_THROWS_AS(Popularity(log, std::vector<Index>{5}), heed::ShapeError);
  heed::data::Catalogue catalogue = log.catalogue;
  CHECK_THROWS_WITH(Popularity(catalogue), "popularity: wanted 4 counts, got 0");
  catalogue.counts = {2, 1, 2, 1};
  CHECK(Popularity(catalogue).top(3) == std::vector<heed::data::Id>{2, 0, 1});
  CHECK(Popularity(catalogue).top(9) == std::vector<heed::data::Id>{2, 0, 1, 3});
  CHECK(Popularity(catalogue).top(-1).empty());
  scores.pop_back();
  CHECK_THROWS_WITH(model.score({}, scores), "popularity: wanted 4 scores, got 3");
}

}  // namespace HEED_TEST_UNIT
