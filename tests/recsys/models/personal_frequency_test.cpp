// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/personal_frequency.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "heed/recsys/evaluate.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;
using Items = std::vector<std::int32_t>;

TEST_CASE("personal frequency and its tie-breaks", "[recsys][personal_frequency]") {
  heed::data::InteractionsBuilder builder({.times = true});
  // Popularity: a 4, b 3, c 2, d 1, e 1 (ids 0 .. 4). Steps: c -> b, d -> e.
  int time = 0;
  for (const char* item : {"a", "a", "a", "a", "b", "b"}) builder.add("crowd", item, 0);
  for (const char* item : {"c", "b"}) builder.add("x", item, time++);
  builder.add("y", "c", 0);
  for (const char* item : {"d", "e"}) builder.add("z", item, time++);
  const auto log = std::move(builder).build();
  const std::vector<Index> all = {6, 2, 1, 2};
  const Popularity popularity(log, all);
  const Markov markov(log, all);

  const Items items = {3, 3, 1, 4, 0, 2};
  const std::vector<std::int64_t> times = {1, 2, 3, 4, 5, 5};
  const heed::data::History past{.items = items, .times = times};
  const auto of = [](const PersonalFrequency& model, const heed::data::History& history, Index k) {
    return ScoreRanker(model)(std::span(&history, 1), {.k = k}).front();
  };
  const auto top = [&](const PersonalFrequency& model) { return of(model, past, 5); };
  CHECK(top(PersonalFrequency(popularity)) == Items{3, 0, 1, 2, 4});
  CHECK(top(PersonalFrequency(popularity, PersonalFrequency::Then::recency)) == Items{3, 0, 2, 4, 1});
  CHECK(top(PersonalFrequency(markov)) == Items{3, 1, 0, 2, 4});  // the last basket {a c} leads to b

  // Outside the history: Markov score, then popularity; d leads to e.
  const Items one = {3};
  CHECK(of(PersonalFrequency(markov), {.items = one}, 5) == Items{3, 4, 0, 1, 2});
  CHECK(of(PersonalFrequency(popularity), {.items = one}, 5) == Items{3, 0, 1, 2, 4});
  CHECK(of(PersonalFrequency(popularity), {}, 2) == Items{0, 1});
}

}  // namespace HEED_TEST_UNIT
