// SPDX-License-Identifier: Apache-2.0
#include "heed/data/fingerprint.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <string>

namespace HEED_TEST_UNIT {

using namespace heed;

/// Three events with all columns.
data::Interactions log_of(const std::string& user = "ann", const std::string& item = "tea", std::int64_t time = 2,
                          float rating = 3, const std::string& kind = "bought") {
  data::InteractionsBuilder builder({.times = true, .ratings = true, .kinds = true});
  builder.add(user, item, time, rating, kind);
  builder.add("bob", "a text that is longer than one word", 5, 1, "viewed");
  builder.add("bob", "jam", 5, 1, "viewed");
  return std::move(builder).build();
}

TEST_CASE("the fingerprint of a log is the same in every version and on every machine", "[data][fingerprint]") {
  CHECK(data::fingerprint(log_of()) == data::fingerprint(log_of()));
  CHECK(data::fingerprint(data::Interactions()) == 0x9f9301f44f8864cfu);
  CHECK(data::fingerprint(log_of()) == 0x3b37ac801a392cdfu);
}

TEST_CASE("every change of a log changes its fingerprint, but for display names", "[data][fingerprint]") {
  std::set<std::uint64_t> all;
  const auto add = [&](const data::Interactions& log) { CHECK(all.insert(data::fingerprint(log)).second); };
  add(log_of());
  add(log_of("eve"));
  add(log_of("ann", "coffee"));
  add(log_of("ann", "tea", 3));
  add(log_of("ann", "tea", 2, 4));
  add(log_of("ann", "tea", 2, 3, "viewed"));
  add(log_of("bob"));
  const std::function<void(data::Interactions&)> changes[] = {
      [](auto& log) { log.times[2] = 6; },  // another basket
      [](auto& log) { std::swap(log.items[1], log.items[2]); },
      [](auto& log) { log.times.clear(); },
      [](auto& log) { log.ratings.clear(); },
      [](auto& log) { log.kinds.clear(); },
      [](auto& log) { log.users.add("nobody"); },
      [](auto& log) { log.catalogue.items.add("unused"); },
      [](auto& log) { log.catalogue.kinds.add("unused"); },
      [](auto& log) {
        log.catalogue.features.values = {0, -1, -1};
      },
      [](auto& log) { log.catalogue.features.names.add("drinks"); },
      [](auto& log) { log.time_unit = {3}; },
      [](auto& log) { log.offsets[1] = 2; }};
  for (const auto& change : changes) {
    data::Interactions log = log_of();
    change(log);
    add(log);
  }
  data::Interactions named = log_of();
  named.catalogue.items.set_name(0, "Tea");
  CHECK(data::fingerprint(named) == data::fingerprint(log_of()));
}

TEST_CASE("texts are separate: moving a letter from one to the next changes the fingerprint", "[data][fingerprint]") {
  const auto of = [](const char* first, const char* second) {
    data::InteractionsBuilder builder({});
    builder.add("u", first);
    builder.add("u", second);
    return data::fingerprint(std::move(builder).build());
  };
  CHECK(of("ab", "c") != of("a", "bc"));
  CHECK(of("12345678", "9") != of("123456789", ""));
}

}  // namespace HEED_TEST_UNIT
