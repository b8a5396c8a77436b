// SPDX-License-Identifier: Apache-2.0
// The command-line options for the configuration of a training run.
#pragma once

#include <CLI/CLI.hpp>
#include <heed/io/configuration.hpp>
#include <heed/io/recommender.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

using heed::io::change;
using heed::recsys::ClickConfiguration;
using heed::recsys::Configuration;
using heed::recsys::model_of;
using heed::recsys::preset;

constexpr const char* keep_history_help =
    "Single events: items of the history are candidates and targets too, as always for baskets";

/// Sets a configuration from the command line: common options by name, all others with `--set path=value`.
class ConfigurationOptions {
 public:
  void add_options(CLI::App& app) {
    encoder_option_ =
        app.add_option("--encoder", encoder_, "Encoder: " + heed::io::option_type<heed::recsys::AnyEncoderOptions>())
            ->check(CLI::IsMember(heed::recsys::AnyEncoderOptions::choices()).description(""))
            ->capture_default_str();
    app.add_option("--profile", profile_, "SASRec as published or with other norms: paper|plus|post_norm|pre_norm")
        ->check(CLI::IsMember(heed::recsys::sasrec_profiles()).description(""))
        ->excludes(encoder_option_);
    add<heed::Index>(app, "--epochs", "training.max_epochs", "Maximum number of epochs");
    add<heed::Index>(app, "--patience", "training.patience", "Epochs without a better validation figure");
    add<double>(app, "--learning-rate", "training.learning_rate", "Learning rate of Adam");
    add<heed::Index>(app, "--batch-size", "training.batch_size", "Examples per step");
    add<std::string>(app, "--attention", "encoder.attention", heed::io::option_type<heed::recsys::AttentionKind>());
    add<std::string>(app, "--loss", "recommender.loss.kind", heed::io::option_type<heed::recsys::NextItemLoss::Kind>());
    add<heed::Index>(app, "--negatives", "recommender.loss.negatives", "Number of negatives of a sampled loss");
    add<heed::Index>(app, "--embed-dim", "recommender.embed_dim", "Width of item vectors");
    add<heed::Index>(app, "--hidden-size", "encoder.hidden_size", "Width of recurrent states");
    add<heed::Index>(app, "--blocks", "encoder.num_blocks", "Number of transformer blocks");
    add<heed::Index>(app, "--heads", "encoder.num_heads", "Number of attention heads");
    add<double>(app, "--dropout", "encoder.dropout", "Dropout probability");
    add<heed::Index>(app, "--max-length", "task.max_length", "Events of a history that the model sees");
    app.add_flag_callback(
        "--keep-history", [this] { set("task.keep_history", true); }, keep_history_help);
    app.add_flag_callback(
        "--no-pointer", [this] { set("recommender.pointer", false); }, "Without the repeat-aware head");
    app.add_option_function<std::vector<std::string>>(
        "--set",
        [this](const std::vector<std::string>& all) {
          for (const std::string& one : all) {
            try {
              changes_.push_back(heed::io::assignment(one));
            } catch (const heed::OptionError& error) {
              throw CLI::ValidationError("--set", error.what());
            }
          }
        },
        "Any option of the model, its task and training, e.g. encoder.num_blocks=4: see below");
    app.footer([this] {
      return "Options of --set, with their defaults for the next basket:\n" + heed::io::help(start(true));
    });
  }

  CLI::Option* encoder_option() const { return encoder_option_; }
  /// Returns the preset or, if given, the options of `saved`, changed by the command line.
  Configuration configuration(bool next_basket, const heed::io::SavedRecommender<float>* saved = nullptr) const {
    Configuration out = start(next_basket, saved);
    for (const auto& patch : changes_) change(patch, out);
    return out;
  }

 private:
  Configuration start(bool next_basket, const heed::io::SavedRecommender<float>* saved = nullptr) const {
    Configuration out = !profile_.empty()
                            ? heed::recsys::sasrec_preset(profile_, next_basket)
                            : preset(saved ? saved->model.encoder_options().choice() : encoder_, next_basket);
    if (saved) {
      out.recommender = saved->model.options();
      out.encoder = saved->model.encoder_options();
      out.task = saved->task;
    }
    return out;
  }
  template <class T>
  void add(CLI::App& app, const std::string& flag, const std::string& path, const std::string& what) {
    app.add_option_function<T>(
        flag, [this, path](const T& value) { set(path, value); }, what);
  }
  void set(const std::string& path, const nlohmann::json& value) {
    changes_.push_back(heed::io::assignment(path, value));
  }

  std::string encoder_ = "attention", profile_;
  CLI::Option* encoder_option_ = nullptr;
  std::vector<nlohmann::json> changes_;
};
