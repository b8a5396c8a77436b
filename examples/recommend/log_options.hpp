// SPDX-License-Identifier: Apache-2.0
// A log as the command line names it: which file, in which format, with which names.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/io/log_file.hpp>
#include <string>

inline void add_log_options(CLI::App& app, heed::io::LogFile& file, bool required = true) {
  auto& columns = file.columns;
  app.add_option("--data", file.path, "The log of who took what when (.gz is read as well)")->required(required);
  app.add_option("--format", file.format, "Its form")
      ->transform(
          CLI::CheckedTransformer(heed::io::log_formats()).description("baskets|movielens|recbole|user-item|csv"))
      ->default_str("baskets");
  app.add_option("--user-column", columns.user, "csv: column of users")->capture_default_str();
  app.add_option("--item-column", columns.item, "csv: column of items")->capture_default_str();
  app.add_option("--time-column", columns.time, "csv: column of times, in seconds")->default_str("the file's order");
  app.add_option("--kind-column", columns.kind, "csv: column of kinds of event, which the model then sees");
  app.add_option("--delimiter", columns.delimiter, "csv: between columns")->default_str("comma; tab for .tsv");
  auto* table = app.add_option("--items", file.items, "Table of item names (tab separated with a header)");
  app.add_option("--id-column", file.names.id, "names: column of ids")->capture_default_str();
  app.add_option("--name-column", file.names.name, "names: column of names")->capture_default_str();
  app.add_option("--feature-column", file.feature, "names: column of a category, which the model then sees")
      ->needs(table);
  app.add_flag("--skip-bad-lines", file.skip_bad_lines, "Leave malformed lines out and count them");
}

/// Reads the log and prints what was left out of it. Errors as heed::io::read_log.
inline heed::data::Interactions read_and_report(const heed::io::LogFile& file) {
  heed::io::LogFileReport report;
  auto log = heed::io::read_log(file, &report);
  const auto print = [](const std::string& path, const heed::data::ReadReport& read) {
    if (read.bad_lines == 0) return;
    std::printf("%s: %td of %td lines left out, the first because of %s\n", path.c_str(), read.bad_lines, read.lines,
                read.first_bad_line.c_str());
  };
  print(file.path, report.log);
  print(file.items, report.items);
  return log;
}
