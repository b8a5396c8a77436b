// SPDX-License-Identifier: Apache-2.0
// The three formats of MovieLens rating files.
#pragma once

#include <vector>

#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/parse_time.hpp"

namespace heed::inline HEED_ABI::data {

/// Reads `u.data` (100K: tabs), `ratings.dat` (1M, 10M: `::`) or `ratings.csv` (20M and later: header
/// userId,movieId,rating,timestamp), detected from the first line. The columns are user, item, rating, time. Throws
/// IoError on any other format, on a file without interactions or, unless skipped, on a malformed line.
inline Interactions read_movielens(LineReader lines, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  constexpr std::string_view operation = "read_movielens";
  InteractionsBuilder builder({.times = true, .ratings = true});
  detail::TimeParser parse_time;
  std::vector<std::string_view> fields;
  std::string_view delimiter;
  detail::read_records(lines, operation, options, report, [&](LineReader& at) {
    if (delimiter.empty()) {
      if (at.line() == "userId,movieId,rating,timestamp") {
        delimiter = ",";
        return;
      }
      delimiter = at.line().find("::") != std::string_view::npos ? "::" : "\t";
    }
    detail::split_fields(at.line(), delimiter, fields);
    if (fields.size() != 4) {
      throw detail::BadLine{message("wanted 4 fields (user, item, rating, time), got ", fields.size())};
    }
    const auto user = detail::parse_id(fields[0], "user");
    const auto item = detail::parse_id(fields[1], "item");
    const auto rating = detail::parse_rating(fields[2]);
    builder.add(user, item, parse_time(fields[3]), rating);
  });
  return detail::finish(std::move(builder), lines, operation);
}

}  // namespace heed::inline HEED_ABI::data
