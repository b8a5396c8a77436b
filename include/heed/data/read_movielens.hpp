// SPDX-License-Identifier: Apache-2.0
// The three formats of MovieLens rating files.
#pragma once

#include <string_view>

#include "heed/data/event_reader.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/read_delimited.hpp"

namespace heed::inline HEED_ABI::data {

namespace detail {

inline void read_movielens_into(LineReader& lines, EventReader& events) {
  const std::string_view first = first_line(lines, events.operation(), events.report(), true);
  DelimitedOptions options{.user = "userId", .item = "movieId", .time = "timestamp", .rating = "rating"};
  if (first.find("userId") == std::string_view::npos) {
    options.delimiter = first.find("::") != std::string_view::npos ? "::" : "\t";
    options.quote = '\0';
    options.columns = {"userId", "movieId", "rating", "timestamp"};
  }
  read_delimited_into(lines, options, events);
}

}  // namespace detail

/// Reads `u.data` (100K: tabs), `ratings.dat` (1M, 10M: `::`) or `ratings.csv` (20M, 25M, 32M: header
/// userId,movieId,rating,timestamp), detected from the first line. Throws IoError on any other format and as
/// read_delimited.
inline Interactions read_movielens(LineReader lines, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  detail::EventReader events("read_movielens", options, report);
  detail::read_movielens_into(lines, events);
  return events.finish();
}

}  // namespace heed::inline HEED_ABI::data
