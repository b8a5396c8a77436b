// SPDX-License-Identifier: Apache-2.0
// Reads a log in any of the supported formats, from one file or several, with item names and features. Requires zlib
// and nlohmann-json; with HEED_HAVE_ZSTD, which the CMake target heed::zstd defines, also libzstd.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/printable.hpp"
#include "heed/data/baskets.hpp"
#include "heed/data/event_reader.hpp"
#include "heed/data/k_core.hpp"
#include "heed/data/read_baskets.hpp"
#include "heed/data/read_delimited.hpp"
#include "heed/data/read_items.hpp"
#include "heed/data/read_movielens.hpp"
#include "heed/data/read_user_item.hpp"
#include "heed/io/detail/decompress.hpp"
#include "heed/io/detail/json_lines.hpp"
#include "heed/io/detail/log_doubts.hpp"
#include "heed/io/gzip.hpp"
#include "heed/io/log_options.hpp"

// Functions that depend on HEED_HAVE_ZSTD are others with it than without it, so that the linker cannot merge the two
// in a program whose parts differ.
#ifdef HEED_HAVE_ZSTD
#include "heed/io/zstd.hpp"
#define HEED_DECOMPRESSORS with_zstd
#else
#define HEED_DECOMPRESSORS without_zstd
#endif

namespace heed::inline HEED_ABI::io {

/// What read_log reports: of the log, and of its table of items if it has one.
struct LogReport {
  data::ReadReport log{};
  std::optional<data::ItemsReport> items{};
  data::Baskets baskets{};              ///< as asked for, or found
  Index shared_times = 0;               ///< events of the files at the time of another event of their user
  Index outside_k_core = 0;             ///< events left out by k_core
  std::vector<std::string> warnings{};  ///< sentences for the terminal
};

namespace detail {

inline data::DelimitedOptions delimited_options(const LogOptions& options) {
  const bool tab = options.delimiter == "tab" || options.delimiter == "\\t";
  data::DelimitedOptions out{.delimiter = tab ? "\t" : options.delimiter,
                             .columns = options.columns,
                             .user = options.user_column,
                             .item = options.item_column,
                             .time = options.time_column,
                             .rating = options.rating_column,
                             .kind = options.kind_column,
                             .name = options.items.empty() ? options.name_column : ""};
  if (!options.quote.empty()) out.quote = options.quote == "none" ? '\0' : options.quote[0];
  if (options.format == LogFormat::csv && out.user.empty()) out.user = "user_id";
  if (options.format == LogFormat::csv && out.item.empty()) out.item = "item_id";
  return out;
}

inline void read_format(data::LineReader& lines, const LogOptions& options, data::detail::EventReader& events) {
  switch (options.format) {
    case LogFormat::baskets:
      return data::detail::read_baskets_into(lines, events);
    case LogFormat::movielens:
      return data::detail::read_movielens_into(lines, events);
    case LogFormat::recbole:
      return data::detail::read_recbole_into(lines, delimited_options(options), events);
    case LogFormat::user_item:
      return data::detail::read_user_item_into(lines, events);
    case LogFormat::csv:
      return data::detail::read_delimited_into(lines, delimited_options(options), events);
    case LogFormat::jsonl:
      return read_json_lines_into(lines, options, events);
  }
}

inline data::Baskets baskets_of(const data::Interactions& log, const LogOptions& options, bool dates) {
  if (options.basket) return *options.basket;
  return options.format == LogFormat::baskets ? data::Baskets::time : data::found_baskets(log, dates);
}

/// What to say about a table of items that knows no item of the log, or less than half of them; else empty.
inline std::string doubt(const data::ItemsReport& items, const std::string& path) {
  if (2 * items.found >= items.items) return {};
  const auto example = [](std::string_view whose, const std::string& id) {
    return id.empty() ? std::string() : message(whose, data::detail::quoted(id));
  };
  return message(printable(path), ": ", items.found, " of ", items.items, " items have a name",
                 items.found == 0 ? ": is --id-column right?" : ".", example(" The log has ", items.item_of_log),
                 example(items.item_of_log.empty() ? " The table has " : ", the table ", items.item_of_table));
}

}  // namespace detail

namespace detail::inline HEED_DECOMPRESSORS {

/// Returns `read(lines)` for the lines of `path`, "-" for standard input. The first bytes tell whether it is
/// compressed.
template <class Read>
auto with_lines(const std::string& path, data::Encoding encoding, Read&& read) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : path;
  InputFile file(standard ? "/dev/stdin" : path);
  const std::span<char> first = file.bytes(4);
  if (is_zstd({first.data(), first.size()})) {
#ifdef HEED_HAVE_ZSTD
    ZstdStream stream(std::move(file));
    return read(data::LineReader(stream, name, encoding));
#else
    fail<IoError>("read_log", printable(name, std::string::npos),
                  ": is compressed with zstd: wanted a program that is compiled with libzstd (in CMake: install "
                  "libzstd-dev and link heed::zstd)");
#endif
  }
  GzipStream stream(std::move(file));
  return read(data::LineReader(stream, name, encoding));
}

}  // namespace detail::inline HEED_DECOMPRESSORS

inline namespace HEED_DECOMPRESSORS {

/// Reads a log from `paths`, in their order, and its table of items. Throws OptionError for options that do not fit
/// together, and IoError as the reader of the format; data::k_core may leave no events, which is an IoError, too.
inline data::Interactions read_log(std::span<const std::string> paths, const LogOptions& options = {},
                                   LogReport* report = nullptr) {
  check(options);
  if (paths.empty()) fail<OptionError>("read_log", "wanted a path, got none");
  if (std::ranges::count(paths, "-") > 1) fail<OptionError>("read_log", "standard input (-) is given twice");
  LogReport out;
  const data::ReadOptions reading{.skip_bad_lines = options.skip_bad_lines,
                                  .missing_user = options.missing_user,
                                  .min_rating = options.min_rating,
                                  .times = {.unit = options.time_unit, .format = options.time_format}};
  data::detail::EventReader events("read_log", reading, &out.log);
  for (const std::string& path : paths) {
    detail::with_lines(path, options.encoding,
                       [&](data::LineReader lines) { detail::read_format(lines, options, events); });
  }
  data::Interactions log = events.finish();
  out.shared_times = data::shared_times(log);
  out.baskets = detail::baskets_of(log, options, out.log.times.dates);
  if (out.baskets == data::Baskets::day) {
    if (log.times.empty()) fail<OptionError>("read_log", "--basket day: the log has no times");
    log = data::days_as_baskets(std::move(log));
    data::detail::describe(log, out.log);
  }
  if (options.k_core > 1) {
    log = data::k_core(log, {.users = options.k_core, .items = options.k_core});
    out.outside_k_core = out.log.events - log.size();
    if (log.size() == 0) fail<IoError>("read_log", "no interactions are left by --k-core ", options.k_core);
    data::detail::describe(log, out.log);
  }
  using enum LogFormat;
  const bool has_columns = options.format == csv || options.format == recbole || options.format == jsonl;
  out.warnings = detail::log_doubts(log, out.log, has_columns);
  if (!options.items.empty()) {
    data::ItemsOptions columns{.name = options.name_column, .feature = options.feature_column};
    if (!options.id_column.empty()) columns.id = options.id_column;
    detail::with_lines(options.items, options.encoding, [&](data::LineReader lines) {
      return data::read_items(std::move(lines), log, columns, {.skip_bad_lines = options.skip_bad_lines},
                              &out.items.emplace());
    });
    if (std::string text = detail::doubt(*out.items, options.items); !text.empty()) {
      out.warnings.push_back(std::move(text));
    }
    if (out.items->repeats > 0) {
      out.warnings.push_back(message(printable(options.items), ": ", out.items->repeats,
                                     " rows have the id of an earlier one, which counts"));
    }
  }
  if (report != nullptr) *report = std::move(out);
  return log;
}

/// Reads a log from one file.
inline data::Interactions read_log(const std::string& path, const LogOptions& options = {},
                                   LogReport* report = nullptr) {
  return read_log(std::span(&path, 1), options, report);
}

}  // namespace HEED_DECOMPRESSORS

}  // namespace heed::inline HEED_ABI::io

#undef HEED_DECOMPRESSORS
