// SPDX-License-Identifier: Apache-2.0
// Logs with one basket per line, as in examples/data/baskets.tsv.
#pragma once

#include <vector>

#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/parse_time.hpp"

namespace heed::inline HEED_ABI::data {

/// Reads lines `customer <tab> time <tab> item item ...` without a header; the items of a line have the same time, so
/// they form a basket. Throws IoError on a file without interactions or, unless skipped, on a malformed line.
inline Interactions read_baskets(LineReader lines, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  InteractionsBuilder builder({.times = true});
  detail::TimeParser parse_time;
  std::vector<std::string_view> fields;
  detail::read_records(lines, "read_baskets", options, report, [&](LineReader& at) {
    detail::split_fields(at.line(), "\t", fields);
    if (fields.size() != 3) {
      throw detail::BadLine{message("wanted 3 fields (customer, time, items), got ", fields.size())};
    }
    const auto customer = detail::parse_id(fields[0], "customer");
    const auto time = parse_time(fields[1]);
    std::string_view items = fields[2];
    auto item = detail::parse_id(detail::take_word(items), "basket");
    for (; !item.empty(); item = detail::take_word(items)) builder.add(customer, item, time);
  });
  return detail::finish(std::move(builder), lines, "read_baskets");
}

}  // namespace heed::inline HEED_ABI::data
