// SPDX-License-Identifier: Apache-2.0
// Logs of "user item" lines, the format of the data files of SASRec and S3-Rec.
#pragma once

#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"

namespace heed::inline HEED_ABI::data {

/// Reads lines `user item` or `user item item ...`, separated by blanks or tabs, without a header; each user's items
/// are in time order, possibly over several lines. There are no times. Throws IoError on a file without interactions
/// or, unless skipped, on a line of one word.
inline Interactions read_user_item(LineReader lines, const ReadOptions& options = {}, ReadReport* report = nullptr) {
  InteractionsBuilder builder({});
  detail::read_records(lines, "read_user_item", options, report, [&](LineReader& at) {
    std::string_view items = at.line();
    const auto user = detail::parse_id(detail::take_word(items), "user");
    auto item = detail::take_word(items);
    if (item.empty()) throw detail::BadLine{message("user ", detail::quoted(user), " has no item")};
    for (; !item.empty(); item = detail::take_word(items)) builder.add(user, item);
  });
  return detail::finish(std::move(builder), lines, "read_user_item");
}

}  // namespace heed::inline HEED_ABI::data
