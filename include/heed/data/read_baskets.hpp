// SPDX-License-Identifier: Apache-2.0
// Logs with one basket per line, as in examples/data/baskets.tsv.
#pragma once

#include <string_view>
#include <vector>

#include "heed/data/event_reader.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"

namespace heed::inline HEED_ABI::data {

namespace detail {

inline void read_baskets_into(LineReader& lines, EventReader& events) {
  events.begin(lines, {.times = true});
  std::vector<std::string_view> fields;
  events.read(lines, [&](LineReader& at) {
    split_fields(at.line(), "\t", fields);
    if (fields.size() != 3) {
      throw BadLine{message("wanted 3 fields (customer, time, items), got ", fields.size())};
    }
    if (!events.has_user(fields[0])) return;
    const auto time = events.parse_time(fields[1]);
    std::string_view items = parse_text(fields[2], "basket");
    auto item = parse_id(take_word(items), "basket");
    for (; !item.empty(); item = take_word(items)) events.add({.user = fields[0], .item = item, .time = time});
  });
}

}  // namespace detail

/// Reads lines `customer <tab> time <tab> item item ...` without a header; the items of a line have the same time, so
/// they form a basket. Throws IoError on a file without interactions, on lines without a customer unless an option
/// skips them and, unless skipped, on a malformed line.
inline Interactions read_baskets(LineReader lines, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  detail::EventReader events("read_baskets", options, report);
  detail::read_baskets_into(lines, events);
  return events.finish();
}

}  // namespace heed::inline HEED_ABI::data
