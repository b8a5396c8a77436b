// SPDX-License-Identifier: Apache-2.0
// The tables of item names and features.
#include "heed/data/read_delimited.hpp"
#include "log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  const std::string text(data, data + size);
  for (const bool skip : {false, true}) {
    data::InteractionsBuilder builder({});
    for (const char* item : {"1", "two", "3"}) builder.add("user", item);
    data::Interactions log = std::move(builder).build();
    const data::ReadOptions reading{.skip_bad_lines = skip};
    fuzz::only_errors([&] {
      std::istringstream in(text);
      data::read_names({in, "input"}, log.catalogue.items, {.quote = '"', .name = "name"}, reading);
    });
    fuzz::only_errors([&] {
      std::istringstream in(text);
      data::read_item_features({in, "input"}, log, {.quote = skip ? '"' : '\0'}, reading);
      const auto& [values, names] = log.catalogue.features;
      fuzz::require(std::ssize(values) == log.num_items());
      for (const data::Id value : values) fuzz::require(value >= -1 && value < names.size());
    });
    fuzz::require(fuzz::consistent(log) && log.num_items() == 3);
  }
  return 0;
}
