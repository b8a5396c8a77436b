// SPDX-License-Identifier: Apache-2.0
// The inputs of a trained model: a log with the model's ids, and the history of a user.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/core/printable.hpp>
#include <heed/data/renumber.hpp>
#include <heed/io/recommender.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "customer.hpp"
#include "log_options.hpp"
#include "seeds.hpp"

using SavedModel = heed::io::SavedRecommender<float>;

inline SavedModel load_model(const std::string& path) {
  SavedModel saved = heed::io::load_recommender<float>(path);
  if (saved.checksum == heed::io::Checksum::none) {
    std::printf("%s has no checksum: damage to its weights would not be noticed\n", heed::printable(path).c_str());
  }
  return saved;
}

/// Throws heed::OptionError when the model uses a field of events or items (`seen` values) that the log lacks or whose
/// values the model's file does not name.
inline void check_field(const char* operation, Index seen, Index names, bool in_log, const char* what,
                        const char* option) {
  if (seen == 0) return;
  if (names == 0) heed::fail<heed::OptionError>(operation, "the model's file does not name its ", what);
  if (!in_log) heed::fail<heed::OptionError>(operation, "the model uses ", what, ", which requires ", option);
}
inline void check_kinds(const char* operation, const SavedModel& saved, const Interactions& log) {
  check_field(operation, saved.model.options().num_kinds, saved.catalogue.kinds.size(), !log.kinds.empty(),
              "kinds of event", "a log with --kind-column");
}

/// Throws heed::OptionError when the model uses the times of `log`, and its file does not say their unit.
inline void check_time_unit(const char* operation, const SavedModel& saved, const Interactions& log) {
  const auto* hstu = std::get_if<heed::recsys::HSTUEncoderOptions>(&saved.model.encoder_options().encoder);
  if (saved.time_unit || hstu == nullptr || hstu->time_buckets == 0 || log.time_unit == heed::data::TimeUnit{}) return;
  heed::fail<heed::OptionError>(operation,
                                "the model uses times, and its file does not say their unit; those of the log "
                                "are in ",
                                heed::data::unit_text(log.time_unit));
}

/// Returns `file` with the baskets of the model's log. Throws heed::OptionError when --basket asks for other times.
inline LogFiles with_baskets_of(const char* operation, const SavedModel& saved, LogFiles file) {
  using heed::data::Baskets;
  auto& basket = file.options.basket;
  if (basket && (*basket == Baskets::day) != saved.task.day_baskets) {
    heed::fail<heed::OptionError>(operation, "--basket ", heed::enum_name(*basket),
                                  ": the times of the model's log are ", saved.task.day_baskets ? "" : "not ", "days");
  }
  basket = saved.task.day_baskets ? Baskets::day : saved.task.next_basket ? Baskets::time : Baskets::none;
  return file;
}

/// Reads the log with the model's ids, baskets and unit of time. Throws heed::OptionError as with_baskets_of, when it
/// lacks kinds of event that the model uses, or when a time is not a whole number in the model's unit.
inline Interactions read_for(const SavedModel& saved, const LogFiles& files) {
  const LogFiles file = with_baskets_of("--data", saved, files);
  Index unknown = 0;
  heed::io::LogReport report;
  Interactions log = heed::io::read_log(file.paths, file.options, &report);
  print_doubts(file, report);  // not the whole report: what follows is the output
  check_kinds("--data", saved, log);
  check_time_unit("--data", saved, log);
  if (saved.time_unit) log = heed::data::convert_times(std::move(log), *saved.time_unit);
  log = heed::data::renumber_items(log, saved.catalogue.items, &unknown);
  if (unknown > 0) std::printf("%td events skipped: the model does not have their items\n", unknown);
  if (saved.model.options().num_kinds > 0) {
    log = heed::data::renumber_kinds(log, saved.catalogue.kinds, &unknown);
    if (unknown > 0) std::printf("%td events skipped: the model does not have their kinds\n", unknown);
  }
  return log;
}

inline void add_model_options(CLI::App& app, std::string& model, std::uint64_t& seed) {
  app.add_option("--model", model, "The trained model")->capture_default_str();
  add_seed_option(app, seed, "Seed of random samples");
}

/// The user to recommend to: a user of a log, or a history from the command line.
class Somebody {
 public:
  void add_options(CLI::App& app) {
    add_model_options(app, model_, seed);
    add_log_options(app, file_, false);
    auto* user = app.add_option("--user", user_, "A user of --data")->needs("--data");
    app.add_option("--history", history_, "Ids of items, oldest first")->excludes(user);
    app.add_option("-k,--top", k, "Length of the list")
        ->check(CLI::Range(Index{1}, Index{1'000'000}))
        ->capture_default_str();
  }

  void read_by(Files& files) const {
    files.reads("--model", model_, true);
    ::read_by(files, file_);
  }

  /// Loads the model and sets `past`, a view of data that this object owns. Throws CLI::RequiredError when the command
  /// line gives no user and no history, and heed::OptionError for an unknown user or item.
  SavedModel load() {
    if (user_.empty() && history_.empty()) throw CLI::RequiredError("--user or --history");
    SavedModel saved = load_model(model_);
    if (!file_.paths.empty()) {
      log = read_for(saved, file_);
    } else {
      log.catalogue = saved.catalogue;
    }
    if (!user_.empty()) {
      const heed::data::Id user = log.users.find(user_);
      if (user < 0) heed::fail<heed::OptionError>("--user", "the log has no user ", heed::printable(user_));
      past = log.user(user);
      return saved;
    }
    check_kinds("--history", saved, {});
    for (const std::string& id : history_) {
      const heed::data::Id item = log.catalogue.items.find(id);
      if (item < 0) heed::fail<heed::OptionError>("--history", "the model has no item ", heed::printable(id));
      items_.push_back(item);
    }
    past.items = items_;
    return saved;
  }

  std::uint64_t seed = 1;
  Index k = 10;
  Interactions log;
  History past;

 private:
  std::string model_ = "model.safetensors", user_;
  LogFiles file_;
  std::vector<std::string> history_;
  std::vector<heed::data::Id> items_;
};
