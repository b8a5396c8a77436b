// SPDX-License-Identifier: Apache-2.0
// The command-line options for a log: files, format, columns and item names; and what was read.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/core/options.hpp>
#include <heed/io/read_log.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "files.hpp"
#include "words.hpp"

/// The files of a log, and how to read them.
struct LogFiles {
  std::vector<std::string> paths;
  heed::io::LogOptions options;

  /// The files in a title: `a.csv`, `a.csv and 2 more`.
  std::string title() const {
    if (paths.empty()) return "no file";
    const std::string more = paths.size() == 1 ? "" : heed::message(" and ", paths.size() - 1, " more");
    return (paths[0] == "-" ? "standard input" : paths[0]) + more;
  }
};

/// An option whose value is the name of an enumerator; `Value` is the enumeration or an optional of it.
template <class Value>
CLI::Option* add_enum_option(CLI::App& app, const char* flag, Value& value, const char* help) {
  constexpr bool optional = heed::OptionalOption<Value>;
  using E = typename std::conditional_t<optional, Value, std::optional<Value>>::value_type;
  std::map<std::string, E> values;
  std::string all;
  for (const std::string_view name : names(E())) {
    values.emplace(name, *heed::enum_value<E>(name));
    all += (all.empty() ? "" : "|") + std::string(name);
  }
  auto* const option = app.add_option(flag, value, help)->transform(CLI::CheckedTransformer(values).description(all));
  if constexpr (!optional) option->default_str(std::string(heed::enum_name(value)));
  return option;
}

inline void add_log_options(CLI::App& app, LogFiles& files, bool required = true) {
  heed::io::LogOptions& log = files.options;
  app.add_option("--data", files.paths,
                 "Log of interactions: files in their order (.gz and .zst too), or - for standard input")
      ->required(required);
  add_enum_option(app, "--format", log.format, "Format of the log");
  app.add_option("--user-column", log.user_column, "csv, recbole, jsonl: column of users")->default_str("user_id");
  app.add_option("--item-column", log.item_column, "csv, recbole, jsonl: column of items")->default_str("item_id");
  app.add_option("--time-column", log.time_column, "csv, recbole, jsonl: column of times")
      ->default_str("the file's order");
  app.add_option("--time-format", log.time_format, "Dates of the log, such as %m/%d/%Y %H:%M")->default_str("ISO 8601");
  const auto& units = heed::data::time_units();
  app.add_option_function<std::string>(
         "--time-unit", [&log, &units](const std::string& unit) { log.time_unit = units.at(unit); },
         "Unit of times that are numbers")
      ->check(CLI::IsMember(units))
      ->default_str("found from the largest");
  add_enum_option(app, "--basket", log.basket, "Baskets of a user: none, events of one time, or of one day (UTC)")
      ->default_str("found from the log");
  app.add_option("--rating-column", log.rating_column, "csv, recbole, jsonl: column of ratings");
  app.add_option("--kind-column", log.kind_column,
                 "csv, recbole, jsonl: column of kinds of event, an input of the model");
  app.add_option("--columns", log.columns, "csv: names of all columns, if the file has no header")->delimiter(',');
  app.add_option("--delimiter", log.delimiter, "csv: delimiter of columns, or tab")
      ->default_str("found from the first line");
  app.add_option("--quote", log.quote, "csv: quote of fields, or none")->default_str("\"; none between tabs");
  add_enum_option(app, "--encoding", log.encoding, "Encoding of the log and the items");
  app.add_option("--items", log.items, "Table of items with a header (csv with any delimiter)");
  app.add_option("--id-column", log.id_column, "items: column of ids")->default_str("item_id");
  app.add_option("--name-column", log.name_column, "items: column of names; without --items, a column of the log")
      ->default_str("description");
  app.add_option("--feature-column", log.feature_column, "items: column of a category, an input of the model");
  app.add_flag("--skip-bad-lines", log.skip_bad_lines, "Skip malformed lines and count them");
  add_enum_option(app, "--missing-user", log.missing_user, "Lines without a user (empty, NULL, NA, ..)");
  app.add_option("--min-rating", log.min_rating, "Leave out events with a lower rating");
  app.add_option("--k-core", log.k_core, "Leave out users and items with fewer events, repeatedly");
}

inline void read_by(Files& files, const LogFiles& log) {
  for (const std::string& path : log.paths) {
    if (path != "-") files.reads("--data", path);
  }
  files.reads("--items", log.options.items);
}

/// Prints which lines were skipped, by reason; nothing if none was.
inline void print_skipped(const std::string& path, const heed::data::ReadReport& read) {
  if (read.skipped_lines == 0) return;
  std::printf("%s: %td of %td lines skipped:", heed::printable(path).c_str(), read.skipped_lines, read.lines);
  const char* before = " ";
  for (const auto& [reason, count, first] : read.skipped) {
    std::printf("%s%td (%s; the first: %s)", before, count, reason.c_str(), first.c_str());
    before = ", ";
  }
  std::printf("\n");
}

/// Prints what was left out of the log and its items, and what is doubtful; nothing if all is well.
inline void print_doubts(const LogFiles& files, const heed::io::LogReport& report) {
  print_skipped(files.title(), report.log);
  if (report.items) print_skipped(files.options.items, report.items->table);
  for (const std::string& warning : report.warnings) std::printf("%s\n", warning.c_str());
}

/// What the baskets of the log are, and how to have others when that was found from the log.
inline std::string baskets_text(const LogFiles& files, const heed::io::LogReport& report) {
  using heed::data::Baskets;
  const bool found = !files.options.basket && files.options.format != heed::io::LogFormat::baskets;
  if (report.baskets == Baskets::time) return "baskets of one time";
  if (report.baskets == Baskets::day) {
    return std::string("baskets of one day") + (found ? " (--basket none or time for others)" : "");
  }
  const bool doubtful = found && 2 * report.shared_times > report.log.events;
  return std::string("single events") + (doubtful ? ", most at the time of another (--basket time or day?)" : "");
}

/// Prints what was read in three lines: the files, the lines that were skipped, the log.
inline void print_report(const LogFiles& files, const heed::io::LogReport& report) {
  const heed::data::ReadReport& log = report.log;
  std::printf("%s: %td lines", heed::printable(files.title()).c_str(), log.lines);
  if (!log.delimiter.empty()) std::printf(", columns separated by \"%s\"", heed::printable(log.delimiter).c_str());
  if (log.comments > 0) std::printf(", %td of them comments", log.comments);
  if (log.low_ratings > 0) std::printf(", %td ratings too low", log.low_ratings);
  if (report.outside_k_core > 0) std::printf(", %td events outside the k-core", report.outside_k_core);
  std::printf("\n");
  print_doubts(files, report);
  std::printf("%td events of %td users and %td items", log.events, log.users, log.items);
  if (log.first_time) {
    std::printf(" from %s to %s", date_of(*log.first_time, log.time_unit).c_str(),
                date_of(*log.last_time, log.time_unit).c_str());
  }
  if (log.times.file_unit != heed::data::TimeUnit{}) {
    std::printf(", times in %s", heed::data::unit_text(log.times.file_unit).c_str());
  }
  if (log.times.rounded > 0) std::printf(", %td times rounded", log.times.rounded);
  if (log.repeats > 0) {
    std::printf(", %td of them repeats of another %s", log.repeats,
                report.baskets == heed::data::Baskets::day ? "on the same day" : "at the same time");
  }
  std::printf(", %s\n", baskets_text(files, report).c_str());
}

/// Reads the log, sets the report and prints it. Throws as heed::io::read_log.
inline heed::data::Interactions read_and_report(const LogFiles& files, heed::io::LogReport& report) {
  auto log = heed::io::read_log(files.paths, files.options, &report);
  print_report(files, report);
  return log;
}
