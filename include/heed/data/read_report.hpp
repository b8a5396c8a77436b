// SPDX-License-Identifier: Apache-2.0
// What all readers share: how they handle lines that they cannot use, and what they report.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/time.hpp"

namespace heed::inline HEED_ABI::data {

/// What a reader does with lines whose user is empty, or a text that programs write for no value (NULL, NA, NaN, None,
/// \N and the like): throws after it has counted them, or leaves them out, or keeps such texts as users.
enum class MissingUser { error, skip, keep };
constexpr auto names(MissingUser) { return enum_names("error", "skip", "keep"); }

/// Which lines a reader takes.
struct ReadOptions {
  /// False: throw IoError("reader: file:line: what was wrong") at the first malformed line. True: skip and count them,
  /// and those without a user.
  bool skip_bad_lines = false;
  MissingUser missing_user = MissingUser::error;
  std::optional<double> min_rating{};  ///< events with a lower rating are left out; requires ratings
  TimeOptions times{};

  void fields(auto&& visitor) {
    visitor("skip_bad_lines", skip_bad_lines, "missing_user", missing_user, "min_rating", min_rating, "times", times);
  }
};

/// Lines that were skipped for one reason.
struct SkippedLines {
  std::string reason;  ///< `wanted 4 fields`, `no user`
  Index count = 0;     ///< lines
  std::string first;   ///< `file:line: what was wrong` of the first one
};

/// Statistics of a read: of the files, and of the log that they became.
struct ReadReport {
  Index lines = 0;                         ///< lines in the files
  Index skipped_lines = 0;                 ///< the sum of `skipped`
  std::vector<SkippedLines> skipped{};     ///< by reason, in order of appearance; at most 16 reasons, then "other"
  Index comments = 0;                      ///< lines before the first row that hold no event: `% bip`, `sep=;`
  Index low_ratings = 0;                   ///< events left out by min_rating
  std::string delimiter{};                 ///< what separates columns, if the file has columns
  Index events = 0, users = 0, items = 0;  ///< of the log
  TimeReport times{};                      ///< what became of the times of the files
  TimeUnit time_unit{};                    ///< of the log
  std::optional<std::int64_t> first_time{}, last_time{};  ///< of the log, if it has times
  Index repeats = 0;                                      ///< events equal to another one in user, item, time and kind

  /// Counts `lines` skipped lines.
  void skip(std::string_view reason, std::string_view first, Index count = 1) {
    skipped_lines += count;
    auto at = std::ranges::find(skipped, reason, &SkippedLines::reason);
    if (at == skipped.end() && skipped.size() >= 16) at = std::ranges::find(skipped, "other", &SkippedLines::reason);
    if (at == skipped.end()) {
      at = skipped.insert(at, {std::string(skipped.size() < 16 ? reason : "other"), 0, std::string(first)});
    }
    at->count += count;
  }
};

namespace detail {

/// Thrown by parsers; read_records adds the file and line number. A text of the form `wanted X, got Y` is counted under
/// the reason `wanted X`.
struct BadLine {
  std::string text;
};

/// Calls `parse(lines)` at every line that is not blank, `from_current` also at the current one; `parse` may read
/// further lines. A parser that throws BadLine must not have stored any part of the record.
template <class Parse>
void read_records(LineReader& lines, std::string_view operation, const ReadOptions& options, ReadReport& report,
                  Parse parse, bool from_current = false) {
  while (std::exchange(from_current, false) || lines.next()) {
    if (lines.line().find_first_not_of(' ') == std::string_view::npos) continue;
    const Index start = lines.line_number();
    try {
      parse(lines);
    } catch (const BadLine& bad) {
      const std::string text = message(lines.name(), ":", start, ": ", bad.text);
      if (!options.skip_bad_lines) fail<IoError>(operation, text);
      report.skip(std::string_view(bad.text).substr(0, bad.text.find(", got ")), text, lines.line_number() - start + 1);
    }
  }
  report.lines += lines.line_number();
}

/// Counts the current line as a comment and returns true if it is one of those before a table: a comment (`% bip` in
/// KONECT's files and, unless a header may begin so, `# Nodes: 7` in SNAP's) or the delimiter for Excel (`sep=;`).
inline bool skip_preamble(const LineReader& lines, ReadReport& report, bool has_header) {
  const std::string_view line = lines.line();
  const bool comment = line.starts_with("% ") || (!has_header && line.starts_with("# "));
  if (!comment && !(line.starts_with("sep=") && line.size() <= 6)) return false;
  ++report.comments;
  return true;
}

/// Returns the first line that is not blank or before the table. Throws IoError when there is none.
inline std::string_view first_line(LineReader& lines, std::string_view operation, ReadReport& report, bool has_header) {
  while (lines.next()) {
    if (lines.line().find_first_not_of(' ') == std::string_view::npos) continue;
    if (!skip_preamble(lines, report, has_header)) return lines.line();
  }
  fail<IoError>(operation, lines.name(), ": the file is empty");
}

/// Returns the number of events equal to an earlier one in user, item, time and kind; 0 for a log without times.
inline Index repeated_events(const Interactions& log) {
  Index repeats = 0;
  std::vector<std::uint64_t> basket;
  for (Id u = 0; !log.times.empty() && u < log.num_users(); ++u) {
    const History events = log.user(u);
    for (std::size_t begin = 0, end = 0; begin < events.items.size(); begin = end) {
      while (end < events.items.size() && events.times[end] == events.times[begin]) ++end;
      if (end - begin == 1) continue;
      basket.clear();
      for (std::size_t e = begin; e < end; ++e) {
        const auto kind = events.kinds.empty() ? 0u : static_cast<std::uint32_t>(events.kinds[e]);
        basket.push_back(std::uint64_t{static_cast<std::uint32_t>(events.items[e])} << 32 | kind);
      }
      std::ranges::sort(basket);
      repeats += std::ranges::distance(std::ranges::unique(basket));
    }
  }
  return repeats;
}

/// Fills what `report` says of the log.
inline void describe(const Interactions& log, ReadReport& report) {
  report.events = log.size(), report.users = log.num_users(), report.items = log.num_items();
  report.time_unit = log.time_unit;
  report.repeats = repeated_events(log);
  report.first_time = report.last_time = std::nullopt;
  if (log.times.empty()) return;
  const auto [first, last] = std::ranges::minmax_element(log.times);
  report.first_time = *first, report.last_time = *last;
}

}  // namespace detail

}  // namespace heed::inline HEED_ABI::data
