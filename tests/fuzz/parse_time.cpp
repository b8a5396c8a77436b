// SPDX-License-Identifier: Apache-2.0
// The first line is a format of times, or empty; the others are times.
#include "heed/data/parse_time.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "heed/data/interactions.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  std::string line;
  fuzz::only_errors([&] {
    std::getline(lines, line);
    data::detail::TimeParser parse({.format = line});
    data::InteractionsBuilder builder({.times = true});
    while (std::getline(lines, line)) {
      try {
        const data::DecimalTime time = parse(line);
        fuzz::require(time.scale >= 0 && time.scale <= data::detail::most_decimals);
        builder.add("user", "item", time);
      } catch (const data::detail::BadLine&) {
      }
    }
    const data::Interactions log = std::move(builder).build();
    fuzz::require(std::ranges::is_sorted(log.times));
    for (const std::int64_t time : log.times) {
      data::time_text(time, log.time_unit);
      fuzz::require(data::convert_time(time, log.time_unit, log.time_unit) == time);
    }
  });
  return 0;
}
