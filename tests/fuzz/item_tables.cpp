// SPDX-License-Identifier: Apache-2.0
// Tables of item names and features.
#include "heed/data/read_items.hpp"
#include "log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  const std::string text(data, data + size);
  for (const bool skip : {false, true}) {
    data::InteractionsBuilder builder({});
    for (const char* item : {"1", "two", "3"}) builder.add("user", item);
    data::Interactions log = std::move(builder).build();
    fuzz::only_errors([&] {
      std::istringstream in(text);
      data::ItemsReport report;
      data::ItemsOptions options{.feature = text.find("category") < size ? "category" : ""};
      if (skip) options.quote = '"';
      data::read_items({in, "input"}, log, options, {.skip_bad_lines = skip}, &report);
      fuzz::require(report.items == 3 && report.found <= 3);
      const auto& [values, names] = log.catalogue.features;
      fuzz::require(values.empty() || std::ssize(values) == log.num_items());
      for (const data::Id value : values) fuzz::require(value >= -1 && value < names.size());
    });
    fuzz::require(fuzz::consistent(log) && log.num_items() == 3);
  }
  return 0;
}
