// SPDX-License-Identifier: Apache-2.0
// Reads a log in any of the supported formats, with item names and features. Requires zlib.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "heed/data/read_baskets.hpp"
#include "heed/data/read_delimited.hpp"
#include "heed/data/read_movielens.hpp"
#include "heed/data/read_user_item.hpp"
#include "heed/io/gzip.hpp"

namespace heed::inline HEED_ABI::io {

/// A file of interactions and, optionally, a table of its items. Files whose paths end in .gz are decompressed.
struct LogFile {
  enum class Format { baskets, movielens, recbole, user_item, csv };

  std::string path, items = "";
  Format format = Format::baskets;
  data::DelimitedOptions columns{};  ///< csv; a comma is read as a tab if the path contains ".tsv"
  data::NamesOptions names{};        ///< columns of `items`
  std::string feature = "";          ///< column of `items` with the feature of items; empty: none
  bool skip_bad_lines = false;

  bool has_baskets() const { return format == Format::baskets; }
};

/// The formats by name.
inline const std::map<std::string, LogFile::Format>& log_formats() {
  using enum LogFile::Format;
  static const std::map<std::string, LogFile::Format> names{
      {"baskets", baskets}, {"movielens", movielens}, {"recbole", recbole}, {"user-item", user_item}, {"csv", csv}};
  return names;
}

/// The reports of the readers, one per file.
struct LogFileReport {
  data::ReadReport log, items;
};

namespace detail {

/// Returns `read(lines)` for the lines of `path`.
template <class Read>
auto with_lines(const std::string& path, Read&& read) {
  if (!path.ends_with(".gz")) return read(data::LineReader(path));
  GzipStream stream(path);
  return read(data::LineReader(stream, path));
}

inline data::Interactions read_format(const LogFile& file, data::LineReader lines, data::ReadReport* report) {
  const data::ReadOptions options{.skip_bad_lines = file.skip_bad_lines};
  switch (file.format) {
    case LogFile::Format::movielens:
      return data::read_movielens(std::move(lines), options, report);
    case LogFile::Format::recbole:
      return data::read_recbole(std::move(lines), options, report);
    case LogFile::Format::user_item:
      return data::read_user_item(std::move(lines), options, report);
    case LogFile::Format::csv: {
      data::DelimitedOptions columns = file.columns;
      if (columns.delimiter == ',' && file.path.find(".tsv") != std::string::npos) columns.delimiter = '\t';
      return data::read_delimited(std::move(lines), columns, options, report);
    }
    default:
      return data::read_baskets(std::move(lines), options, report);
  }
}

}  // namespace detail

/// Reads the log and its items. Throws as the reader of the format, and OptionError on a kind column if it has none.
inline data::Interactions read_log(const LogFile& file, LogFileReport* report = nullptr) {
  if (!file.columns.kind.empty() && file.format != LogFile::Format::csv) {
    fail<OptionError>("read_log", "wanted a column of kinds, '", file.columns.kind, "', which only csv has");
  }
  LogFileReport local;
  LogFileReport& counts = report != nullptr ? *report : local;
  const data::ReadOptions options{.skip_bad_lines = file.skip_bad_lines};
  data::Interactions log = detail::with_lines(
      file.path, [&](data::LineReader lines) { return detail::read_format(file, std::move(lines), &counts.log); });
  if (!file.items.empty()) {
    detail::with_lines(file.items, [&](data::LineReader lines) {
      return data::read_names(std::move(lines), log.catalogue.items, file.names, options, &counts.items);
    });
  }
  if (!file.feature.empty()) {
    detail::with_lines(file.items, [&](data::LineReader lines) {
      return data::read_item_features(std::move(lines), log, {.id = file.names.id, .feature = file.feature}, options);
    });
  }
  return log;
}

}  // namespace heed::inline HEED_ABI::io
