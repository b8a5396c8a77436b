// SPDX-License-Identifier: Apache-2.0
// The command-line options for a log: file, format, columns and item names.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/io/log_file.hpp>
#include <string>

#include "files.hpp"

inline void add_log_options(CLI::App& app, heed::io::LogFile& file, bool required = true) {
  auto& columns = file.columns;
  app.add_option("--data", file.path, "Log of interactions: users, items, times (may be .gz)")->required(required);
  app.add_option("--format", file.format, "Format of the log")
      ->transform(
          CLI::CheckedTransformer(heed::io::log_formats()).description("baskets|movielens|recbole|user-item|csv"))
      ->default_str("baskets");
  app.add_option("--user-column", columns.user, "csv: column of users")->capture_default_str();
  app.add_option("--item-column", columns.item, "csv: column of items")->capture_default_str();
  app.add_option("--time-column", columns.time, "csv: column of times, in seconds")->default_str("the file's order");
  app.add_option("--kind-column", columns.kind, "csv: column of kinds of event, an input of the model");
  app.add_option("--delimiter", columns.delimiter, "csv: delimiter of columns")->default_str("comma; tab for .tsv");
  auto* table = app.add_option("--items", file.items, "Table of item names (tab separated with a header)");
  app.add_option("--id-column", file.names.id, "items: column of ids")->capture_default_str();
  app.add_option("--name-column", file.names.name, "items: column of names")->capture_default_str();
  app.add_option("--feature-column", file.feature, "items: column of a category, an input of the model")->needs(table);
  app.add_flag("--skip-bad-lines", file.skip_bad_lines, "Skip malformed lines and count them");
}

inline void read_by(Files& files, const heed::io::LogFile& log) {
  files.reads("--data", log.path);
  files.reads("--items", log.items);
}

/// Reads the log and prints the number of skipped lines. Throws as heed::io::read_log.
inline heed::data::Interactions read_and_report(const heed::io::LogFile& file) {
  heed::io::LogFileReport report;
  auto log = heed::io::read_log(file, &report);
  const auto print = [](const std::string& path, const heed::data::ReadReport& read) {
    if (read.bad_lines == 0) return;
    std::printf("%s: %td of %td lines skipped, the first because of %s\n", heed::printable(path).c_str(),
                read.bad_lines, read.lines, read.first_bad_line.c_str());
  };
  print(file.path, report.log);
  print(file.items, report.items);
  return log;
}
