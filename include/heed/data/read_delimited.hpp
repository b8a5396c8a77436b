// SPDX-License-Identifier: Apache-2.0
// Logs with a header line: CSV, TSV and RecBole's atomic files; tables of item names and features.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/parse_time.hpp"

namespace heed::inline HEED_ABI::data {

/// The format of delimited text and the columns to read. Column names must match the header exactly.
struct DelimitedOptions {
  char delimiter = ',';
  char quote = '"';  ///< RFC 4180 quotes; 0 disables quoting
  std::string user = "user_id";
  std::string item = "item_id";
  std::string time = "";    ///< empty: no times, events are in file order
  std::string rating = "";  ///< empty: no ratings
  std::string kind = "";    ///< empty: no kinds of event

  void fields(auto&& visitor) {
    visitor("delimiter", delimiter, "quote", quote, "user", user, "item", item, "time", time, "rating", rating, "kind",
            kind);
  }
};

/// The table and columns that give the names of ids.
struct NamesOptions {
  char delimiter = '\t';
  char quote = 0;  ///< as in DelimitedOptions
  std::string id = "item_id";
  std::string name = "description";

  void fields(auto&& visitor) { visitor("delimiter", delimiter, "quote", quote, "id", id, "name", name); }
};

/// The table and columns that give a categorical feature of items.
struct FeatureOptions {
  char delimiter = '\t';
  char quote = 0;  ///< as in DelimitedOptions
  std::string id = "item_id";
  std::string feature = "category";

  void fields(auto&& visitor) { visitor("delimiter", delimiter, "quote", quote, "id", id, "feature", feature); }
};

namespace detail {

constexpr Index no_column = -1;

/// The columns of a row that are read.
struct Columns {
  std::size_t width;  ///< number of fields in the header, and so in every row
  Index user, item, time, rating, kind;
};

/// Returns the index of `name` in the header, or no_column.
inline Index find_column(const std::vector<std::string_view>& header, std::string_view name) {
  const auto at = std::find(header.begin(), header.end(), name);
  return at == header.end() ? no_column : at - header.begin();
}

/// Returns the index of `name` in the header just read by `lines`. Throws IoError when it is missing.
inline Index need_column(const LineReader& lines, std::string_view operation,
                         const std::vector<std::string_view>& header, std::string_view name) {
  const Index column = find_column(header, name);
  if (column != no_column) return column;
  std::string got;
  for (const auto field : header) got += message(got.empty() ? "" : ", ", quoted(field));
  fail<IoError>(operation, lines.name(), ":", lines.line_number(), ": no column ", quoted(name),
                " in the header: ", got);
}

/// Splits the current record. Throws BadLine when the number of fields differs from the header's.
inline const std::vector<std::string_view>& split_row(RecordSplitter& splitter, LineReader& lines,
                                                      std::size_t columns) {
  const auto& fields = splitter.split(lines);
  if (fields.size() != columns) throw BadLine{message("wanted ", columns, " fields, got ", fields.size())};
  return fields;
}

/// Returns the fields of the header line. Throws IoError when there is none.
inline const std::vector<std::string_view>& split_header(RecordSplitter& splitter, LineReader& lines,
                                                         std::string_view operation) {
  first_line(lines, operation);
  const Index start = lines.line_number();
  try {
    return splitter.split(lines);
  } catch (const BadLine& bad) {
    fail<IoError>(operation, lines.name(), ":", start, ": in the header: ", bad.text);
  }
}

/// Reads the given columns of the rows after the header, which `lines` has just read.
inline Interactions read_columns(LineReader& lines, std::string_view operation, RecordSplitter& splitter,
                                 const Columns& columns, const ReadOptions& options, ReadReport* report) {
  const bool timed = columns.time != no_column, rated = columns.rating != no_column, kinds = columns.kind != no_column;
  InteractionsBuilder builder({.times = timed, .ratings = rated, .kinds = kinds});
  TimeParser parse_time;
  read_records(lines, operation, options, report, [&](LineReader& at) {
    const auto& fields = split_row(splitter, at, columns.width);
    const auto field = [&](Index column) { return fields[static_cast<std::size_t>(column)]; };
    const auto user = parse_id(field(columns.user), "user");
    const auto item = parse_id(field(columns.item), "item");
    const auto time = timed ? parse_time(field(columns.time)) : DecimalTime();
    const auto rating = rated ? parse_rating(field(columns.rating)) : 0;
    builder.add(user, item, time, rating, kinds ? parse_id(field(columns.kind), "kind") : "");
  });
  return finish(std::move(builder), lines, operation);
}

/// Calls `take(id, field)` for the rows of a table with a header line whose text is in `vocabulary`, and returns the
/// number of such rows. Throws IoError as read_delimited.
template <class Take>
Index read_table(LineReader& lines, std::string_view operation, RecordSplitter splitter, const std::string& id_column,
                 const std::string& field_column, const Vocabulary& vocabulary, const ReadOptions& options,
                 ReadReport* report, Take take) {
  const auto& header = split_header(splitter, lines, operation);
  const std::size_t width = header.size();
  const auto id = static_cast<std::size_t>(need_column(lines, operation, header, id_column));
  const auto field = static_cast<std::size_t>(need_column(lines, operation, header, field_column));
  Index known = 0;
  read_records(lines, operation, options, report, [&](LineReader& at) {
    const auto& fields = split_row(splitter, at, width);
    const Id found = vocabulary.find(parse_id(fields[id], "id"));
    if (found == Vocabulary::unknown) return;
    take(found, fields[field]);
    ++known;
  });
  return known;
}

}  // namespace detail

/// Reads delimited text with a header line that names the columns. Throws IoError on a missing column, on a file
/// without interactions or, unless skipped, on a malformed line.
inline Interactions read_delimited(LineReader lines, const DelimitedOptions& options = {},
                                   const ReadOptions& reading = {}, ReadReport* report = nullptr) {
  constexpr std::string_view operation = "read_delimited";
  if (options.user.empty() || options.item.empty()) {
    fail<OptionError>(operation, "wanted the names of a user and an item column, got an empty one");
  }
  detail::RecordSplitter splitter(options.delimiter, options.quote);
  const auto& header = detail::split_header(splitter, lines, operation);
  const auto need = [&](std::string_view name) { return detail::need_column(lines, operation, header, name); };
  const auto need_if_named = [&](std::string_view name) { return name.empty() ? detail::no_column : need(name); };
  const detail::Columns columns{header.size(),
                                need(options.user),
                                need(options.item),
                                need_if_named(options.time),
                                need_if_named(options.rating),
                                need_if_named(options.kind)};
  return detail::read_columns(lines, operation, splitter, columns, reading, report);
}

/// Reads RecBole's `.inter` files: tab separated, with typed columns in the header (`user_id:token`). Times and ratings
/// are read from the columns `timestamp:float` and `rating:float` if present. Errors as read_delimited.
inline Interactions read_recbole(LineReader lines, const ReadOptions& reading = {}, ReadReport* report = nullptr) {
  constexpr std::string_view operation = "read_recbole";
  detail::RecordSplitter splitter('\t', 0);
  const auto& header = detail::split_header(splitter, lines, operation);
  const auto need = [&](std::string_view name) { return detail::need_column(lines, operation, header, name); };
  const detail::Columns columns{header.size(),
                                need("user_id:token"),
                                need("item_id:token"),
                                detail::find_column(header, "timestamp:float"),
                                detail::find_column(header, "rating:float"),
                                detail::no_column};
  return detail::read_columns(lines, operation, splitter, columns, reading, report);
}

/// Sets the display names of `vocabulary` from a table with a header line (examples/data/products.tsv); rows of other
/// ids are ignored. Returns the number of rows used. Throws IoError as read_delimited.
inline Index read_names(LineReader lines, Vocabulary& vocabulary, const NamesOptions& options = {},
                        const ReadOptions& reading = {}, ReadReport* report = nullptr) {
  return detail::read_table(lines, "read_names", {options.delimiter, options.quote}, options.id, options.name,
                            vocabulary, reading, report,
                            [&](Id id, std::string_view name) { vocabulary.set_name(id, name); });
}

/// Fills `log.catalogue.features` from a column of a table with a header line. Items that are not in the table or whose
/// field is empty have no feature (Vocabulary::unknown). Returns the number of rows of the log's items. Throws IoError
/// as read_delimited; the log is then unchanged.
inline Index read_item_features(LineReader lines, Interactions& log, const FeatureOptions& options = {},
                                const ReadOptions& reading = {}, ReadReport* report = nullptr) {
  ItemFeatures features;
  features.values.assign(static_cast<std::size_t>(log.num_items()), Vocabulary::unknown);
  const Index known = detail::read_table(
      lines, "read_item_features", {options.delimiter, options.quote}, options.id, options.feature, log.catalogue.items,
      reading, report, [&](Id id, std::string_view value) {
        features.values[static_cast<std::size_t>(id)] = value.empty() ? Vocabulary::unknown : features.names.add(value);
      });
  log.catalogue.features = std::move(features);
  return known;
}

}  // namespace heed::inline HEED_ABI::data
