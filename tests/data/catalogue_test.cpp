// SPDX-License-Identifier: Apache-2.0
#include "heed/data/catalogue.hpp"

#include <catch2/catch.hpp>

#include "heed/data/interactions.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;

TEST_CASE("an item is found by its text", "[data][catalogue]") {
  InteractionsBuilder builder({});
  for (const char* item : {"22423", "85123A"}) builder.add("ann", item);
  const Interactions log = std::move(builder).build();
  CHECK(log.item("85123A") == 1);
  CHECK(log.catalogue.item("22423") == 0);
  CHECK(log.catalogue.num_items() == 2);
  CHECK_THROWS_AS(log.item("85123"), heed::IndexError);
  CHECK_THROWS_WITH(log.item("85123"), "catalogue: no item \"85123\" among 2 items");
}

}  // namespace HEED_TEST_UNIT
