// SPDX-License-Identifier: Apache-2.0
#include "heed/data/filter.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed::data;
using heed::Index;

TEST_CASE("a filtered log keeps its columns aligned and all ids", "[data][filter]") {
  InteractionsBuilder builder({.times = true, .ratings = true, .kinds = true});
  builder.add("ann", "a", 1, 5, "bought");
  builder.add("bob", "b", 2, 4, "viewed");
  builder.add("ann", "c", 3, 3, "viewed");
  builder.add("cid", "a", 4, 2, "bought");
  builder.add("ann", "a", 5, 1, "bought");
  Interactions log = std::move(builder).build();
  log.catalogue.features.values = {0, 0, 0};
  log.catalogue.features.names.add("food");
  const std::int32_t bought = log.catalogue.kinds.find("bought");
  const Interactions out = filter(log, [&](Index, std::size_t e) { return log.kinds[e] == bought; });
  CHECK(out.offsets == std::vector<Index>{0, 2, 2, 3});
  CHECK(out.items == std::vector<std::int32_t>{0, 0, 0});
  CHECK(out.times == std::vector<std::int64_t>{1, 5, 4});
  CHECK(out.ratings == std::vector<float>{5, 1, 2});
  CHECK(out.kinds == std::vector<std::int32_t>{bought, bought, bought});
  CHECK(out.num_users() == 3);
  CHECK(out.users.text(1) == "bob");
  CHECK(out.num_items() == 3);
  CHECK(out.catalogue.kinds.size() == 2);
  CHECK(out.catalogue.features.values.size() == 3);
  CHECK(filter(log, [](Index u, std::size_t) { return u == 1; }).offsets == std::vector<Index>{0, 0, 1, 1});
  CHECK(filter(Interactions{}, [](Index, std::size_t) { return true; }).num_users() == 0);
}

}  // namespace HEED_TEST_UNIT
