// SPDX-License-Identifier: Apache-2.0
// The command line's way to a log: which file, in which form, with which names.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/data/read_baskets.hpp>
#include <heed/data/read_delimited.hpp>
#include <heed/data/read_movielens.hpp>
#include <heed/data/read_user_item.hpp>
#include <heed/io/gzip.hpp>
#include <map>
#include <optional>
#include <string>

struct LogFile {
  enum class Format { baskets, movielens, recbole, user_item, csv };

  std::string data, items;
  Format format = Format::baskets;
  heed::data::DelimitedOptions columns;
  heed::data::NamesOptions names;
  std::string feature;
  bool skip_bad_lines = false;

  static const std::map<std::string, Format>& formats() {
    static const std::map<std::string, Format> names{{"baskets", Format::baskets},
                                                     {"movielens", Format::movielens},
                                                     {"recbole", Format::recbole},
                                                     {"user-item", Format::user_item},
                                                     {"csv", Format::csv}};
    return names;
  }

  void add_options(CLI::App& app, bool required = true) {
    app.add_option("--data", data, "The log of who took what when (.gz is read as well)")->required(required);
    app.add_option("--format", format, "Its form")
        ->transform(CLI::CheckedTransformer(formats()).description("baskets|movielens|recbole|user-item|csv"))
        ->default_str("baskets");
    app.add_option("--user-column", columns.user, "csv: column of users")->capture_default_str();
    app.add_option("--item-column", columns.item, "csv: column of items")->capture_default_str();
    app.add_option("--time-column", columns.time, "csv: column of times, in seconds")->default_str("the file's order");
    app.add_option("--kind-column", columns.kind, "csv: column of kinds of event, which the model then sees");
    app.add_option("--delimiter", columns.delimiter, "csv: between columns")->default_str("comma; tab for .tsv");
    auto* table = app.add_option("--items", items, "Table of item names (tab separated with a header)");
    app.add_option("--id-column", names.id, "names: column of ids")->capture_default_str();
    app.add_option("--name-column", names.name, "names: column of names")->capture_default_str();
    app.add_option("--feature-column", feature, "names: column of a category, which the model then sees")->needs(table);
    app.add_flag("--skip-bad-lines", skip_bad_lines, "Leave malformed lines out and count them");
  }

  bool has_baskets() const { return format == Format::baskets; }

  /// Throws heed::IoError, and heed::OptionError where the form has no column of kinds.
  heed::data::Interactions read() const {
    if (!columns.kind.empty() && format != Format::csv) {
      heed::fail<heed::OptionError>("--kind-column", "only --format csv has columns of kinds");
    }
    heed::data::ReadReport report;
    const heed::data::ReadOptions options{.skip_bad_lines = skip_bad_lines};
    Source log_source(data);
    heed::data::Interactions log = read(log_source.lines(), options, report);
    tell_bad_lines(data, report);
    if (!items.empty()) {
      Source names_source(items);
      heed::data::read_names(names_source.lines(), log.item_ids, names, options, &report);
      tell_bad_lines(items, report);
    }
    if (!feature.empty()) {
      Source features_source(items);
      heed::data::read_item_features(features_source.lines(), log, {.id = names.id, .feature = feature}, options);
    }
    return log;
  }

 private:
  /// A file, decompressed on the way if its name says so.
  struct Source {
    explicit Source(const std::string& file) : path(file) {
      if (path.ends_with(".gz")) stream.emplace(path);
    }
    heed::data::LineReader lines() {
      return stream ? heed::data::LineReader(*stream, path) : heed::data::LineReader(path);
    }
    std::string path;
    std::optional<heed::io::GzipStream> stream;
  };

  heed::data::Interactions read(heed::data::LineReader lines, const heed::data::ReadOptions& options,
                                heed::data::ReadReport& report) const {
    switch (format) {
      case Format::movielens:
        return heed::data::read_movielens(std::move(lines), options, &report);
      case Format::recbole:
        return heed::data::read_recbole(std::move(lines), options, &report);
      case Format::user_item:
        return heed::data::read_user_item(std::move(lines), options, &report);
      case Format::csv: {
        heed::data::DelimitedOptions delimited = columns;
        if (delimited.delimiter == ',' && data.find(".tsv") != std::string::npos) delimited.delimiter = '\t';
        return heed::data::read_delimited(std::move(lines), delimited, options, &report);
      }
      default:
        return heed::data::read_baskets(std::move(lines), options, &report);
    }
  }

  static void tell_bad_lines(const std::string& path, const heed::data::ReadReport& report) {
    if (report.bad_lines == 0) return;
    std::printf("%s: %td of %td lines left out, the first because of %s\n", path.c_str(), report.bad_lines,
                report.lines, report.first_bad_line.c_str());
  }
};
