// SPDX-License-Identifier: Apache-2.0
// What trained models are used with: a log in the model's numbers, and somebody in it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/data/renumber.hpp>
#include <heed/io/recommender.hpp>
#include <string>
#include <vector>

#include "customer.hpp"
#include "log_options.hpp"

using SavedModel = heed::io::SavedRecommender<float>;

/// Throws heed::OptionError when the model sees something of events or items that the log lacks, or that the model's
/// file gives no names for.
inline void check_field(const char* operation, Index seen, Index names, bool in_log, const char* what,
                        const char* option) {
  if (seen == 0) return;
  if (names == 0) heed::fail<heed::OptionError>(operation, "the model's file does not name its ", what);
  if (!in_log) heed::fail<heed::OptionError>(operation, "the model sees ", what, ", which come from ", option);
}
inline void check_kinds(const char* operation, const SavedModel& saved, const Interactions& log) {
  check_field(operation, saved.model.options().num_kinds, saved.catalogue.kinds.size(), !log.kinds.empty(),
              "kinds of event", "a log with --kind-column");
}

/// The log in the model's numbers. Throws heed::OptionError where it lacks the kinds of event that the model sees.
inline Interactions read_for(const SavedModel& saved, const heed::io::LogFile& file) {
  Index unknown = 0;
  Interactions log = read_and_report(file);
  check_kinds("--data", saved, log);
  log = heed::data::renumber_items(log, saved.catalogue.items, &unknown);
  if (unknown > 0) std::printf("%td events left out: the model does not know their items\n", unknown);
  if (saved.catalogue.kinds.size() > 0) {
    log = heed::data::renumber_kinds(log, saved.catalogue.kinds, &unknown);
    if (unknown > 0) std::printf("%td events left out: the model does not know their kinds\n", unknown);
  }
  return log;
}

inline void add_model_options(CLI::App& app, std::string& model, std::uint64_t& seed) {
  app.add_option("--model", model, "The trained model")->capture_default_str();
  app.add_option("--seed", seed, "Of samples")->capture_default_str();
}

/// Somebody to recommend to: a user of a log, or a history from the command line.
class Somebody {
 public:
  void add_options(CLI::App& app) {
    add_model_options(app, model_, seed);
    add_log_options(app, file_, false);
    auto* user = app.add_option("--user", user_, "Somebody in --data")->needs("--data");
    app.add_option("--history", history_, "Ids of items, oldest first")->excludes(user);
    app.add_option("-k,--top", k, "Length of the list")->check(CLI::PositiveNumber)->capture_default_str();
  }

  /// Loads the model and finds the history, which looks into this object. Throws CLI::RequiredError when the command
  /// line names nobody, and heed::OptionError when the log or the model does not know whom it names.
  SavedModel load() {
    if (user_.empty() && history_.empty()) throw CLI::RequiredError("--user or --history");
    SavedModel saved = heed::io::load_recommender<float>(model_);
    if (!file_.path.empty()) {
      log = read_for(saved, file_);
    } else {
      log.catalogue = saved.catalogue;
    }
    if (!user_.empty()) {
      const heed::data::Id user = log.users.find(user_);
      if (user < 0) heed::fail<heed::OptionError>("--user", heed::message("nobody is called ", user_));
      past = log.user(user);
      return saved;
    }
    check_kinds("--history", saved, {});
    for (const std::string& id : history_) {
      const heed::data::Id item = log.catalogue.items.find(id);
      if (item < 0) heed::fail<heed::OptionError>("--history", heed::message("the model knows no item ", id));
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
  heed::io::LogFile file_;
  std::vector<std::string> history_;
  std::vector<heed::data::Id> items_;
};
