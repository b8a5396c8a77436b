// SPDX-License-Identifier: Apache-2.0
// Logs with columns: CSV, TSV and RecBole's atomic files.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/data/event_reader.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/read_report.hpp"
#include "heed/data/record_splitter.hpp"

namespace heed::inline HEED_ABI::data {

/// The format of delimited text and the columns to read. A name matches the header exactly or without the type that
/// RecBole adds to it (`user_id` matches `user_id:token`).
struct DelimitedOptions {
  /// Empty: found from the first line, among ; tab | :: comma and blank. A blank without quotes stands for any number
  /// of blanks and tabs.
  std::string delimiter = "";
  std::optional<char> quote{};         ///< RFC 4180 quotes; 0: none. Unset: '"', but none between tabs or blanks
  std::vector<std::string> columns{};  ///< the names of all columns, if the file has no header
  std::string user = "user_id";
  std::string item = "item_id";
  std::string time = "";    ///< empty: no times, events are in file order
  std::string rating = "";  ///< empty: no ratings
  std::string kind = "";    ///< empty: no kinds of event
  std::string name = "";    ///< empty: no names of items; else the first of an item that is not empty

  void fields(auto&& visitor) {
    visitor("delimiter", delimiter, "quote", quote, "columns", columns, "user", user, "item", item, "time", time,
            "rating", rating, "kind", kind, "name", name);
  }
};

namespace detail {

constexpr Index no_column = -1;

/// Returns whether the field of a header has this name, possibly with a type of RecBole behind it.
inline bool is_column(std::string_view field, std::string_view name) {
  if (!field.starts_with(name)) return false;
  const std::string_view type = field.substr(name.size());
  return type.empty() || type == ":token" || type == ":float" || type == ":token_seq" || type == ":float_seq";
}

/// A table of delimited text with a header or with given names of its columns.
class DelimitedTable {
 public:
  /// Reads the first line, after comments that `report` counts; `wanted` are the columns by which the delimiter is
  /// found if `delimiter` is empty. Throws IoError on an empty file and on a malformed header, OptionError on a
  /// delimiter that cannot be one.
  DelimitedTable(LineReader& lines, std::string_view operation, const std::string& delimiter, std::optional<char> quote,
                 const std::vector<std::string>& columns, std::initializer_list<std::string_view> wanted,
                 ReadReport& report)
      : lines_(lines), operation_(operation), has_header_(columns.empty()) {
    const std::string_view first =
        lines.line_number() > 0 ? lines.line() : first_line(lines, operation, report, has_header_);
    delimiter_ = !delimiter.empty() ? delimiter : find_delimiter(first, lines.name(), quote, columns.size(), wanted);
    splitter_.emplace(delimiter_, quote_of(delimiter_, quote));
    words_ = delimiter_ == " " && quote_of(delimiter_, quote) == 0;
    json_ = first.starts_with('{') || first.starts_with("[{");
    if (!has_header_) {
      header_ = columns;
      return;
    }
    const Index start = lines.line_number();
    try {
      for (const std::string_view field : split(0)) header_.emplace_back(trimmed(field));
    } catch (const BadLine& bad) {
      fail<IoError>(operation, lines.name(), ":", start, ": in the header: ", bad.text, json_ ? use_jsonl : "");
    }
  }

  const std::string& delimiter() const { return delimiter_; }
  /// Whether the reader's current line is a row.
  bool at_row() const { return !has_header_; }

  /// Returns the index of the column `name`, or no_column. Throws IoError when there are several.
  Index find(std::string_view name) const {
    const auto same = [&](const std::string& field) { return is_column(field, name); };
    const auto at = std::ranges::find_if(header_, same);
    if (at == header_.end()) return no_column;
    if (std::find_if(at + 1, header_.end(), same) != header_.end()) {
      fail<IoError>(operation_, lines_.name(), ":", lines_.line_number(), ": several columns ", quoted(name));
    }
    return at - header_.begin();
  }
  /// As `find`. Throws IoError when there is no such column.
  Index need(std::string_view name) const {
    const Index column = find(name);
    if (column != no_column) return column;
    std::string got;
    for (std::size_t i = 0; i < std::min<std::size_t>(header_.size(), 20); ++i) {
      got += message(i == 0 ? "" : ", ", detail::quoted(header_[i]));
    }
    if (header_.size() > 20) got += message(" and ", header_.size() - 20, " more");
    const bool numbers = std::ranges::any_of(header_, is_whole_number);
    if (!has_header_) fail<IoError>(operation_, lines_.name(), ": no column ", quoted(name), " in --columns: ", got);
    fail<IoError>(operation_, lines_.name(), ":", lines_.line_number(), ": no column ", quoted(name),
                  " in the header: ", got,
                  json_     ? use_jsonl
                  : numbers ? " (no header? --columns names them)"
                            : "");
  }
  /// As `need`; no_column for an empty name.
  Index need_if_named(std::string_view name) const { return name.empty() ? no_column : need(name); }

  /// Returns the fields of the row at the reader's current line. Throws BadLine as RecordSplitter.
  const std::vector<std::string_view>& row() { return split(header_.size()); }
  /// Whether the field in this column is its name.
  bool is_name(std::string_view field, Index column) const {
    return field == header_[static_cast<std::size_t>(column)];
  }

 private:
  static constexpr const char* use_jsonl = " (JSON? --format jsonl reads JSON lines)";

  static char quote_of(std::string_view delimiter, std::optional<char> quote) {
    return quote.value_or(delimiter == "\t" || delimiter == " " ? '\0' : '"');
  }
  /// Returns the fields of the record at the reader's current line.
  const std::vector<std::string_view>& split(std::size_t width) {
    if (!words_) return splitter_->split(lines_, width);
    split_words(lines_.line(), fields_);
    if (width == 0 || fields_.size() == width) return fields_;
    throw BadLine{message("wanted ", width, " fields, got ", fields_.size())};
  }
  /// Returns the delimiter that the ending of the file's name says: tab for .tsv, .tab and .inter, else a comma.
  static std::string usual_delimiter(std::string_view name) {
    for (const std::string_view packed : {".gz", ".zst"}) {
      if (name.ends_with(packed)) name.remove_suffix(packed.size());
    }
    const bool tab = name.ends_with(".tsv") || name.ends_with(".tab") || name.ends_with(".inter");
    return tab ? "\t" : ",";
  }
  /// Returns the delimiter that separates `line` into `width` fields or, if 0, into fields with all `wanted` names;
  /// else the usual one, unless only another separates it at all.
  static std::string find_delimiter(std::string_view line, std::string_view name, std::optional<char> quote,
                                    std::size_t width, std::initializer_list<std::string_view> wanted) {
    const std::string usual = usual_delimiter(name);
    std::string best = usual;
    std::size_t most = 0;
    std::vector<std::string_view> fields;
    const auto fits = [&] {
      const auto has = [&](std::string_view column) {
        return std::ranges::any_of(fields, [&](std::string_view field) { return is_column(trimmed(field), column); });
      };
      return width != 0 ? fields.size() == width : std::ranges::all_of(wanted, has);
    };
    for (const std::string& delimiter :
         {usual, std::string(";"), std::string("\t"), std::string("|"), std::string("::"), std::string(",")}) {
      if (quote && *quote != 0 && delimiter.find(*quote) != std::string::npos) continue;
      RecordSplitter splitter(delimiter, quote_of(delimiter, quote));
      fields = splitter.split_line(line);
      if (fits()) return delimiter;
      if (most < 2 && fields.size() > most) best = delimiter, most = fields.size();
    }
    split_words(line, fields);
    return fits() ? " " : best;
  }

  LineReader& lines_;
  std::string_view operation_;
  bool has_header_, json_ = false;
  bool words_ = false;  // the fields are words
  std::string delimiter_;
  std::optional<RecordSplitter> splitter_;
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;  // if they are words
};

/// The columns of a row that are read.
struct Columns {
  Index user, item, time, rating, kind, name;
};

/// Reads the given columns of the rows of `table`.
inline void read_columns(LineReader& lines, DelimitedTable& table, const Columns& columns, EventReader& events) {
  const bool timed = columns.time != no_column, rated = columns.rating != no_column, kinds = columns.kind != no_column;
  events.begin(lines, {.times = timed, .ratings = rated, .kinds = kinds});
  events.report().delimiter = table.delimiter();
  bool first = table.at_row();
  const auto parse = [&](LineReader&) {
    const auto& fields = table.row();
    const auto field = [&](Index column) { return fields[static_cast<std::size_t>(column)]; };
    ParsedEvent event{.user = field(columns.user), .item = {}};
    const std::string_view item = field(columns.item);
    if (table.is_name(event.user, columns.user) && table.is_name(item, columns.item)) {
      throw BadLine{message("wanted a row, got a header",
                            table.at_row() ? ": --columns is for files without one" : " (joined files?)")};
    }
    if (std::exchange(first, false) && are_column_names(event.user, item)) {
      throw BadLine{
          message("wanted a row, got a header with ", quoted(event.user), ": --columns is for files without one")};
    }
    if (!events.has_user(event.user)) return;
    event.item = parse_id(item, "item");
    if (timed) event.time = events.parse_time(field(columns.time));
    if (rated) event.rating = parse_rating(field(columns.rating));
    if (kinds) event.kind = parse_id(field(columns.kind), "kind");
    if (columns.name != no_column) event.name = parse_text(field(columns.name), "name");
    events.add(event);
  };
  events.read(lines, parse, table.at_row());
}

inline void read_delimited_into(LineReader& lines, const DelimitedOptions& options, EventReader& events) {
  if (options.user.empty() || options.item.empty()) {
    fail<OptionError>(events.operation(), "wanted the names of a user and an item column, got an empty one");
  }
  DelimitedTable table(lines, events.operation(), options.delimiter, options.quote, options.columns,
                       {options.user, options.item}, events.report());
  const Columns columns{table.need(options.user),          table.need(options.item),
                        table.need_if_named(options.time), table.need_if_named(options.rating),
                        table.need_if_named(options.kind), table.need_if_named(options.name)};
  read_columns(lines, table, columns, events);
}

/// Empty names of columns are those of RecBole: user_id or session_id, item_id, timestamp and rating if present.
inline void read_recbole_into(LineReader& lines, const DelimitedOptions& options, EventReader& events) {
  DelimitedTable table(lines, events.operation(), "", '\0', {}, {options.item.empty() ? "item_id" : options.item},
                       events.report());
  const auto column = [&](const std::string& name, std::string_view usual) {
    return name.empty() ? table.find(usual) : table.need(name);
  };
  Index user = column(options.user, "user_id");
  if (user == no_column) user = table.find("session_id");
  const Columns columns{user != no_column ? user : table.need("user_id"),
                        table.need(options.item.empty() ? "item_id" : options.item),
                        column(options.time, "timestamp"),
                        column(options.rating, "rating"),
                        table.need_if_named(options.kind),
                        table.need_if_named(options.name)};
  read_columns(lines, table, columns, events);
}

}  // namespace detail

/// Reads delimited text whose columns are named by a header line or by `columns`. Throws IoError on a missing column,
/// on a file without interactions, on lines without a user unless an option skips them and, unless skipped, on a
/// malformed line.
inline Interactions read_delimited(LineReader lines, const DelimitedOptions& options = {},
                                   const ReadOptions& reading = {}, ReadReport* report = nullptr) {
  detail::EventReader events("read_delimited", reading, report);
  detail::read_delimited_into(lines, options, events);
  return events.finish();
}

/// Reads RecBole's `.inter` files: separated by tabs, or what the header shows, with typed columns in the header
/// (`user_id:token`, or `session_id:token`, and `item_id:token`). Times and ratings are read from the columns
/// `timestamp` and `rating` if present. Errors as read_delimited.
inline Interactions read_recbole(LineReader lines, const ReadOptions& reading = {}, ReadReport* report = nullptr) {
  detail::EventReader events("read_recbole", reading, report);
  detail::read_recbole_into(lines, {.user = "", .item = ""}, events);
  return events.finish();
}

}  // namespace heed::inline HEED_ABI::data
