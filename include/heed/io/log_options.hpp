// SPDX-License-Identifier: Apache-2.0
// The options of read_log: format, columns, and which events of a log to take.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/core/printable.hpp"
#include "heed/data/baskets.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/read_report.hpp"

namespace heed::inline HEED_ABI::io {

/// The formats of logs; csv is any delimited text with named columns, jsonl has a JSON object per line.
enum class LogFormat { baskets, movielens, recbole, user_item, csv, jsonl };
constexpr auto names(LogFormat) { return enum_names("baskets", "movielens", "recbole", "user-item", "csv", "jsonl"); }

/// How to read a log. Options that the format does not have must be left at their defaults. The program `recommend` has
/// them as flags of the same names (`--user-column`).
struct LogOptions {
  LogFormat format = LogFormat::baskets;

  /// csv, recbole: names of columns; jsonl: names of members, `a.b` for b of the object a. Empty users and items are
  /// user_id (recbole: or session_id) and item_id; empty times and ratings are none (recbole: timestamp and rating, if
  /// present). Without `items`, the name column gives the names of items: the first one that is not empty.
  std::string user_column = "", item_column = "", time_column = "", rating_column = "", kind_column = "",
              name_column = "";
  std::string delimiter = "";          ///< csv: what separates columns, or tab; empty: found from the first line
  std::string quote = "";              ///< csv: a character, or none; empty: '"', but none between tabs
  std::vector<std::string> columns{};  ///< csv: the names of all columns, if the file has no header

  std::optional<data::TimeUnit> time_unit{};  ///< of times that are numbers; nullopt: found from the largest one
  std::string time_format = "";               ///< of times that are dates, as in data::TimeOptions; empty: ISO 8601

  /// What is a basket; nullopt: found from the log (data::found_baskets), and time in the format baskets.
  std::optional<data::Baskets> basket{};

  std::string items = "";      ///< a table of items with a header, delimited as csv; empty: none
  std::string id_column = "";  ///< items: ids; empty: item_id
  /// items: a categorical feature; empty: none. The names of items are in name_column; empty: description
  std::string feature_column = "";

  data::Encoding encoding = data::Encoding::utf8;  ///< of the log and of the items
  bool skip_bad_lines = false;                     ///< of the log and of the items, as in data::ReadOptions
  data::MissingUser missing_user = data::MissingUser::error;
  std::optional<double> min_rating{};  ///< events with a lower rating are left out
  Index k_core = 0;  ///< users and items with fewer events are left out, repeatedly (data::k_core); 0: none

  void fields(auto&& visitor) {
    visitor("format", format, "user_column", user_column, "item_column", item_column, "time_column", time_column,
            "rating_column", rating_column, "kind_column", kind_column, "name_column", name_column, "delimiter",
            delimiter, "quote", quote, "columns", columns, "time_unit", time_unit, "time_format", time_format, "basket",
            basket, "items", items, "id_column", id_column, "feature_column", feature_column, "encoding", encoding,
            "skip_bad_lines", skip_bad_lines, "missing_user", missing_user, "min_rating", min_rating, "k_core", k_core);
  }
};

/// Throws OptionError for an option that the format, or a log without times or a table of items, does not have.
inline void check(const LogOptions& options) {
  using enum LogFormat;
  const auto only = [&](bool given, std::string_view flag, std::initializer_list<LogFormat> formats) {
    if (!given || std::ranges::find(formats, options.format) != formats.end()) return;
    std::string all;
    for (const LogFormat format : formats) all += message(all.empty() ? "" : ", ", enum_name(format));
    fail<OptionError>("read_log", flag, ": the format ", enum_name(options.format), " has no such option, only ", all);
  };
  only(!options.user_column.empty(), "--user-column", {csv, recbole, jsonl});
  only(!options.item_column.empty(), "--item-column", {csv, recbole, jsonl});
  only(!options.time_column.empty(), "--time-column", {csv, recbole, jsonl});
  only(options.time_unit.has_value(), "--time-unit", {baskets, movielens, recbole, csv, jsonl});
  only(!options.time_format.empty(), "--time-format", {baskets, movielens, recbole, csv, jsonl});
  only(options.basket == data::Baskets::day, "--basket day", {baskets, movielens, recbole, csv, jsonl});
  only(!options.rating_column.empty(), "--rating-column", {csv, recbole, jsonl});
  only(!options.kind_column.empty(), "--kind-column", {csv, recbole, jsonl});
  only(!options.delimiter.empty(), "--delimiter", {csv});
  only(!options.quote.empty(), "--quote", {csv});
  only(!options.columns.empty(), "--columns", {csv});
  if ((options.format == csv || options.format == jsonl) && options.time_column.empty()) {
    const auto needs_times = [&](bool given, std::string_view flag) {
      if (given) fail<OptionError>("read_log", flag, ": is of the times of --time-column, which is not given");
    };
    needs_times(options.time_unit.has_value(), "--time-unit");
    needs_times(!options.time_format.empty(), "--time-format");
  }
  if (options.items.empty()) {
    only(!options.name_column.empty(), "--name-column without --items", {csv, recbole, jsonl});
    const auto needs_items = [&](const std::string& column, std::string_view flag) {
      if (!column.empty()) fail<OptionError>("read_log", flag, ": is a column of --items, which is not given");
    };
    needs_items(options.id_column, "--id-column");
    needs_items(options.feature_column, "--feature-column");
  }
  if (options.quote.size() > 1 && options.quote != "none") {
    fail<OptionError>("read_log", "--quote: wanted one character or none, got ", printable(options.quote));
  }
  if (options.k_core < 0) fail<OptionError>("read_log", "--k-core: wanted 0 or more, got ", options.k_core);
}

}  // namespace heed::inline HEED_ABI::io
