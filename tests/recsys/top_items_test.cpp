// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/top_items.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("the best items of a row, without excluded ones", "[recsys][top_items]") {
  const std::vector<float> scores = {1, 3, 2, 3, 0};
  std::vector<recsys::ScoredItem<float>> best;
  const auto top = [&](Index k, const std::vector<data::Id>& left_out) {
    recsys::top_items("test", recsys::NoModel(), std::span(scores), k, std::span(left_out), best);
    std::vector<data::Id> items;
    for (const auto& one : best) items.push_back(one.item);
    return items;
  };
  using Items = std::vector<data::Id>;
  CHECK(top(3, {}) == Items{1, 3, 2});
  CHECK(best[0].score == 3);
  CHECK(top(9, {0, 1}) == Items{3, 2, 4});
  CHECK(top(0, {}).empty());
  CHECK(top(-1, {}).empty());
}

}  // namespace HEED_TEST_UNIT
