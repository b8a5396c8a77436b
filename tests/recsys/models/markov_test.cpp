// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/markov.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;

namespace {

struct Event {
  const char* user;
  const char* item;
  int time;
};
heed::data::Interactions log_of(const std::vector<Event>& events) {
  heed::data::InteractionsBuilder builder({.times = true});
  for (const char* item : {"a", "b", "c", "d"}) builder.add("nobody", item, 0);  // ids 0 1 2 3
  for (const Event& e : events) builder.add(e.user, e.item, e.time);
  return std::move(builder).build();
}

}  // namespace

TEST_CASE("Markov from basket to basket", "[recsys][markov]") {
  // {a b b} -> {c} -> {a}; {a} -> {c d}; the last event of w is after the training part.
  const auto log = log_of({{"u", "a", 1},
                           {"u", "b", 1},
                           {"u", "b", 1},
                           {"u", "c", 2},
                           {"u", "a", 3},
                           {"w", "a", 1},
                           {"w", "c", 2},
                           {"w", "d", 2},
                           {"w", "b", 3}});
  const Markov model(log, std::vector<Index>{0, 5, 3});
  std::vector<double> scores(4, -1);
  const auto last = [&](const std::vector<std::int32_t>& items, const std::vector<std::int64_t>& times) {
    model.score({.items = items, .times = times}, scores);
    return scores;
  };
  CHECK(last({0}, {1}) == std::vector<double>{0, 0, 1, 0.5});
  CHECK(last({3, 0, 1, 1}, {1, 2, 2, 2}) == std::vector<double>{0, 0, 1, 0.25});  // mean over distinct a, b
  CHECK(last({0, 3}, {1, 2}) == std::vector<double>(4, 0));                       // d has no outgoing step
  CHECK(last({}, {}) == std::vector<double>(4, 0));
  CHECK(model.num_items() == 4);
  CHECK(model.tie_keys()[0] == 0);
}

TEST_CASE("Markov from event to event ignores times", "[recsys][markov]") {
  const auto log = log_of({{"u", "a", 1}, {"u", "b", 1}, {"u", "a", 1}, {"u", "c", 1}, {"u", "a", 2}, {"u", "b", 3}});
  const Markov model(log, std::vector<Index>{0, 6}, {.baskets = false});
  std::vector<double> scores(4);
  model.score({.items = std::vector<std::int32_t>{3, 0}, .times = std::vector<std::int64_t>{1, 1}}, scores);
  CHECK(scores[0] == 0);
  CHECK(scores[1] == 2.0 / 3);
  CHECK(scores[2] == 1.0 / 3);
  CHECK(scores[3] == 0);
}

}  // namespace HEED_TEST_UNIT
