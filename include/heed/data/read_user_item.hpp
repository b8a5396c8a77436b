// SPDX-License-Identifier: Apache-2.0
// Logs of "user item" lines, the format of the data files of SASRec and S3-Rec.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "heed/data/event_reader.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"

namespace heed::inline HEED_ABI::data {

namespace detail {

/// Whether `line` is a header: its first two words are names of such columns, or no numbers above a line of numbers.
inline bool is_user_item_header(std::string_view line, std::string_view next) {
  const std::string_view user = take_word(line), item = take_word(line);
  const std::string_view next_user = take_word(next), next_item = take_word(next);
  if (are_column_names(user, item)) return true;
  return !is_whole_number(user) && !is_whole_number(item) && is_whole_number(next_user) && is_whole_number(next_item);
}

inline void read_user_item_into(LineReader& lines, EventReader& events) {
  events.begin(lines, {});
  bool first = true;
  bool counts = true;                    // whether each line so far begins with the number of its items
  Index users = 0, least = 0, most = 0;  // lines, and the range of these numbers
  events.read(lines, [&](LineReader& at) {
    if (first && skip_preamble(at, events.report(), false)) return;
    std::string copy;
    if (first) {  // whether it is a header depends on the next line, too
      copy = at.line();
      at.mark();
      const bool header = is_user_item_header(copy, at.next() ? at.line() : std::string_view());
      at.rewind();
      first = false;
      if (header) {
        throw BadLine{message("wanted a user and items, got a header, ", detail::quoted(copy),
                              ": --format csv reads columns by name")};
      }
    }
    std::string_view items = copy.empty() ? at.line() : std::string_view(copy);
    const auto user = take_word(items);
    if (!events.has_user(user)) return;
    items = parse_text(items, "list of items");
    auto item = take_word(items);
    if (item.empty()) throw BadLine{message("wanted a user and items, got user ", quoted(user), " alone")};
    Index number = 0;
    for (; !item.empty(); item = take_word(items), ++number) events.add({.user = user, .item = item});
    counts = counts && user == std::to_string(number);
    ++users, least = most == 0 ? number : std::min(least, number), most = std::max(most, number);
  });
  if (counts && users >= 10 && least != most) {
    fail<IoError>(events.operation(), lines.name(),
                  ": wanted lines of a user and items, got the number of items first in each");
  }
}

}  // namespace detail

/// Reads lines `user item` or `user item item ...`, separated by blanks or tabs, without a header; each user's items
/// are in time order, possibly over several lines. There are no times. Throws IoError on a file without interactions
/// or one whose lines begin with the number of their items and, unless skipped, on a line of one word and on a first
/// line that is a header. Comments before the first line (`% ...`, `# ...`) are counted.
inline Interactions read_user_item(LineReader lines, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  detail::EventReader events("read_user_item", options, report);
  detail::read_user_item_into(lines, events);
  return events.finish();
}

}  // namespace heed::inline HEED_ABI::data
