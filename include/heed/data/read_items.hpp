// SPDX-License-Identifier: Apache-2.0
// Tables of items: their names and one categorical feature.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/read_delimited.hpp"
#include "heed/data/read_report.hpp"

namespace heed::inline HEED_ABI::data {

/// The table and columns that give names and a categorical feature of items. Columns as in DelimitedOptions.
struct ItemsOptions {
  std::string delimiter = "";   ///< empty: found from the header
  std::optional<char> quote{};  ///< as in DelimitedOptions
  std::string id = "item_id";
  std::string name = "";     ///< empty: description, which may be missing if there is a feature
  std::string feature = "";  ///< empty: no feature

  void fields(auto&& visitor) {
    visitor("delimiter", delimiter, "quote", quote, "id", id, "name", name, "feature", feature);
  }
};

/// Statistics of the read of a table of items.
struct ItemsReport {
  ReadReport table{};                                ///< lines, skipped lines and delimiter
  Index items = 0;                                   ///< items of the log
  Index found = 0;                                   ///< of these, in the table
  Index repeats = 0;                                 ///< rows of an item that has one: the first counts
  std::string item_of_log = "", item_of_table = "";  ///< the first of each that the other does not have
};

/// Sets the display names of the log's items, and fills `log.catalogue.features`, from a table with a header line;
/// rows of other items are ignored. Items that are not in the table or whose field is empty have no feature
/// (Vocabulary::unknown). Returns the number of rows used. Throws IoError on a missing column and, unless skipped, on a
/// malformed line; the log is then unchanged.
inline Index read_items(LineReader lines, Interactions& log, const ItemsOptions& options = {},
                        const ReadOptions& reading = {}, ItemsReport* report = nullptr) {
  constexpr std::string_view operation = "read_items";
  Vocabulary items = log.catalogue.items;
  std::vector<bool> seen(static_cast<std::size_t>(items.size()));
  ItemFeatures features;
  features.values.assign(seen.size(), Vocabulary::unknown);
  ItemsReport local{.items = items.size()};
  Index rows = 0;

  detail::DelimitedTable table(lines, operation, options.delimiter, options.quote, {}, {options.id}, local.table);
  const auto id_at = static_cast<std::size_t>(table.need(options.id));
  const Index feature_at = table.need_if_named(options.feature), described = table.find("description");
  const bool any_name = options.name.empty() && (described != detail::no_column || feature_at != detail::no_column);
  const Index name_at = any_name ? described : table.need(options.name.empty() ? "description" : options.name);
  local.table.delimiter = table.delimiter();
  detail::read_records(lines, operation, reading, local.table, [&](LineReader&) {
    const auto& fields = table.row();
    const auto field = [&](Index column, std::string_view what) {
      return column == detail::no_column ? "" : detail::parse_text(fields[static_cast<std::size_t>(column)], what);
    };
    const std::string_view text = detail::parse_id(fields[id_at], "id");
    const std::string_view name = field(name_at, "name"), feature = field(feature_at, "feature");
    const Id id = items.find(text);
    if (id == Vocabulary::unknown) {
      if (local.item_of_table.empty()) local.item_of_table = text;
      return;
    }
    if (seen[static_cast<std::size_t>(id)]) {
      ++local.repeats;
      return;
    }
    seen[static_cast<std::size_t>(id)] = true;
    if (name_at != detail::no_column) items.set_name(id, name);
    features.values[static_cast<std::size_t>(id)] = feature.empty() ? Vocabulary::unknown : features.names.add(feature);
    ++rows;
  });
  local.found = std::ranges::count(seen, true);
  if (const auto at = std::ranges::find(seen, false); at != seen.end()) {
    local.item_of_log = items.text(static_cast<Id>(at - seen.begin()));
  }
  log.catalogue.items = std::move(items);
  if (feature_at != detail::no_column) log.catalogue.features = std::move(features);
  if (report != nullptr) *report = std::move(local);
  return rows;
}

}  // namespace heed::inline HEED_ABI::data
