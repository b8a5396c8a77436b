// SPDX-License-Identifier: Apache-2.0
#include "heed/data/split.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using heed::Index;
using heed::data::Split;

namespace {

/// One user a list: the times of the user's events.
heed::data::Interactions log_of(const std::vector<std::vector<int>>& users) {
  heed::data::InteractionsBuilder builder({.times = true});
  for (std::size_t u = 0; u < users.size(); ++u) {
    for (const int time : users[u]) builder.add(std::to_string(u), "item", time);
  }
  return std::move(builder).build();
}
using Cuts = std::vector<Index>;

}  // namespace

TEST_CASE("leave one out", "[data][split]") {
  const Split split = heed::data::leave_one_out(log_of({{1}, {1, 2}, {1, 2, 3}, {7, 7, 7, 7}}));
  CHECK(split.num_users() == 4);
  CHECK(split.train_end == Cuts{1, 2, 1, 2});
  CHECK(split.validation_end == Cuts{1, 2, 2, 3});
  CHECK(split.test_end == Cuts{1, 2, 3, 4});
  CHECK_FALSE(split.tested(1));
  CHECK_FALSE(split.validated(1));
  CHECK(split.tested(2));
  CHECK(split.validated(2));
}

TEST_CASE("the last basket", "[data][split]") {
  const Split split = heed::data::last_basket(log_of({{1, 1}, {1, 1, 2}, {1, 2, 2, 3, 3, 3}, {1, 2, 3, 4}}));
  CHECK(split.train_end == Cuts{2, 2, 1, 2});
  CHECK(split.validation_end == Cuts{2, 2, 3, 3});
  CHECK(split.test_end == Cuts{2, 3, 6, 4});
  CHECK_FALSE(split.tested(0));
  CHECK(split.tested(1));
  CHECK_FALSE(split.validated(1));
  CHECK(split.validated(2));
}

TEST_CASE("users without events are in no part", "[data][split]") {
  heed::data::Interactions log;
  log.offsets = {0, 0};
  for (const Split& split : {heed::data::leave_one_out(log), heed::data::last_basket(log)}) {
    CHECK(split.num_users() == 1);
    CHECK_FALSE(split.tested(0));
    CHECK_FALSE(split.validated(0));
  }
}
