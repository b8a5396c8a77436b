// SPDX-License-Identifier: Apache-2.0
// Checks a reader of logs.
#pragma once

#include <algorithm>
#include <span>
#include <sstream>
#include <string>

#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "input.hpp"

namespace heed::fuzz {

/// Whether every id is in its vocabulary, every column has an entry per event, and each user's times ascend.
inline bool consistent(const data::Interactions& log) {
  const auto ids = [](const auto& column, Index size) {
    return std::ranges::all_of(column, [&](data::Id id) { return id >= 0 && id < size; });
  };
  const auto complete = [&](const auto& column) { return column.empty() || std::ssize(column) == log.size(); };
  if (log.size() == 0 || log.num_users() != log.users.size() || log.offsets.back() != log.size()) return false;
  for (data::Id user = 0; user < log.num_users(); ++user) {
    if (log.length(user) <= 0 || !std::ranges::is_sorted(log.user(user).times)) return false;
  }
  return ids(log.items, log.num_items()) && ids(log.kinds, log.catalogue.kinds.size()) && complete(log.times) &&
         complete(log.ratings) && complete(log.kinds);
}

/// Calls `read(lines, options, report)`, strictly and with bad lines skipped. A log without bad lines must be the same
/// for both.
template <class Read>
void check_reader(std::span<const std::uint8_t> input, Read&& read) {
  const std::string text(input.begin(), input.end());
  Index events = 0;
  for (const bool skip : {false, true}) {
    only_errors([&] {
      std::istringstream in(text);
      data::ReadReport report;
      const data::Interactions log = read(data::LineReader(in, "input"), {.skip_bad_lines = skip}, &report);
      require(consistent(log));
      require(report.events == log.size() && report.users == log.num_users());
      if (!skip) events = log.size();
      require(report.skipped_lines > 0 ? skip && events == 0 : log.size() == events);
    });
  }
}

}  // namespace heed::fuzz
