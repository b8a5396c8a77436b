// SPDX-License-Identifier: Apache-2.0
#include "heed/data/renumber.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using namespace heed::data;
using heed::Index;

namespace {

Interactions log_of_three() {
  InteractionsBuilder builder({.times = true, .ratings = true});
  builder.add("ann", "a", 1, 1.0f);
  builder.add("bob", "x", 2, 2.0f);
  builder.add("ann", "b", 3, 3.0f);
  return std::move(builder).build();
}

}  // namespace

TEST_CASE("a log is converted to the item ids of another log", "[data][renumber]") {
  Vocabulary ids;
  for (const char* id : {"b", "c", "a"}) ids.add(id);
  ids.set_name(0, "bread");
  Index left_out = -1;
  const Interactions out = renumber_items(log_of_three(), ids, &left_out);
  CHECK(left_out == 1);
  CHECK(out.num_items() == 3);
  CHECK(out.items == std::vector<std::int32_t>{2, 0});
  CHECK(out.times == std::vector<std::int64_t>{1, 3});
  CHECK(out.ratings == std::vector<float>{1.0f, 3.0f});
  CHECK(out.catalogue.items.name(0) == "bread");
  // A user without remaining events stays, with an empty history: user ids do not change.
  CHECK(out.num_users() == 2);
  CHECK(out.length(out.users.find("ann")) == 2);
  CHECK(out.length(out.users.find("bob")) == 0);
}

TEST_CASE("converting a log to its own ids does not change it", "[data][renumber]") {
  const Interactions log = log_of_three();
  const Interactions out = renumber_items(log, log.catalogue.items);
  CHECK(out.items == log.items);
  CHECK(out.offsets == log.offsets);
}

TEST_CASE("kinds and features are converted to the ids of a trained model", "[data][renumber]") {
  InteractionsBuilder builder({.kinds = true});
  builder.add("ann", "a", 0, 0, "viewed");
  builder.add("ann", "b", 0, 0, "shared");
  builder.add("ann", "c", 0, 0, "bought");
  Interactions log = std::move(builder).build();
  for (const char* name : {"food", "toys"}) log.catalogue.features.names.add(name);
  log.catalogue.features.values = {0, 1, Vocabulary::unknown};

  Vocabulary kinds, items, names;
  for (const char* id : {"bought", "viewed"}) kinds.add(id);
  for (const char* id : {"new", "c", "b", "a"}) items.add(id);
  for (const char* id : {"toys", "books"}) names.add(id);
  Index left_out = -1;
  Interactions out = renumber_kinds(renumber_items(log, items), kinds, &left_out);
  CHECK(left_out == 1);
  CHECK(out.items == std::vector<std::int32_t>{3, 1});
  CHECK(out.kinds == std::vector<std::int32_t>{1, 0});
  CHECK(out.catalogue.kinds.size() == 2);
  CHECK(out.catalogue.features.values == std::vector<std::int32_t>{-1, -1, 1, 0});
  out.catalogue.features = renumber_features(out.catalogue.features, names);
  CHECK(out.catalogue.features.values == std::vector<std::int32_t>{-1, -1, 0, -1});
  CHECK(out.catalogue.features.names.text(1) == "books");
  // A log without kinds keeps all events.
  CHECK(renumber_kinds(log_of_three(), kinds).size() == 3);
}

TEST_CASE("times are converted to another unit exactly or not at all", "[data][renumber]") {
  InteractionsBuilder builder({.times = true});
  for (const std::int64_t time : {1'396'867'869'000, 1'396'867'870'500}) builder.add("ann", "a", time);
  const Interactions log = std::move(builder).build();
  const Interactions finer = convert_times(log, {6});
  CHECK(finer.time_unit == TimeUnit{6});
  CHECK(finer.times == std::vector<std::int64_t>{1'396'867'869'000'000, 1'396'867'870'500'000});
  CHECK(convert_times(finer, {1}).times == std::vector<std::int64_t>{13'968'678'690, 13'968'678'705});
  CHECK_THROWS_WITH(convert_times(log, {0}),
                    "convert_times: the log's time 2014-04-07 10:51:10.5 (1396867870500 in "
                    "milliseconds) is not a 64-bit whole number of seconds");
  CHECK_THROWS_AS(convert_times(log, {18}), heed::OptionError);
}

}  // namespace HEED_TEST_UNIT
