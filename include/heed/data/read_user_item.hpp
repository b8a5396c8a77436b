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
  const auto simple = [](std::string_view word) {
    std::string out;
    for (const char c : word.substr(0, word.find(':'))) {
      const char lower = static_cast<char>(c | 0x20);
      if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')) out += lower;
    }
    return out.ends_with("id") ? out.substr(0, out.size() - 2) : out;
  };
  const auto number = [](std::string_view word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const std::string_view user = take_word(line), item = take_word(line);
  const std::string_view next_user = take_word(next), next_item = take_word(next);
  const auto among = [](const std::string& word, auto... names) { return ((word == names) || ...); };
  if (among(simple(user), "user", "u", "customer", "session", "visitor", "reviewer") &&
      among(simple(item), "item", "items", "i", "product", "movie", "article", "track", "song", "book")) {
    return !number(user) && user.size() > 1;
  }
  return !number(user) && !number(item) && number(next_user) && number(next_item);
}

inline void read_user_item_into(LineReader& lines, EventReader& events) {
  events.begin(lines, {});
  bool first = true;
  events.read(lines, [&](LineReader& at) {
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
    for (; !item.empty(); item = take_word(items)) events.add({.user = user, .item = item});
  });
}

}  // namespace detail

/// Reads lines `user item` or `user item item ...`, separated by blanks or tabs, without a header; each user's items
/// are in time order, possibly over several lines. There are no times. Throws IoError on a file without interactions
/// or, unless skipped, on a line of one word and on a first line that is a header.
inline Interactions read_user_item(LineReader lines, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  detail::EventReader events("read_user_item", options, report);
  detail::read_user_item_into(lines, events);
  return events.finish();
}

}  // namespace heed::inline HEED_ABI::data
