// SPDX-License-Identifier: Apache-2.0
// The model file of a training: checked before, and written whenever the model is better, also after a resume.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <heed/core/printable.hpp>
#include <heed/data/fingerprint.hpp>
#include <heed/io/recommender.hpp>
#include <heed/recsys/task.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "customer.hpp"

/// Where a model comes from: a note in its file.
struct ModelOrigin {
  std::uint64_t run = 0, seed = 0;
  Index epoch = 0;  ///< 0: there is no model
  double validation = 0;

  void fields(auto&& visitor) { visitor("run", run, "seed", seed, "epoch", epoch, "validation", validation); }
};

class ModelOutput {
 public:
  /// `run` identifies the training, besides its seed.
  ModelOutput(std::string path, const heed::recsys::Task& task, const nlohmann::json& run)
      : path_(std::move(path)),
        catalogue_(task.catalogue()),
        task_(task.options()),
        time_unit_(task.log().times.empty() ? std::nullopt : std::optional(task.log().time_unit)) {
    heed::data::Fingerprint hash;
    hash.text(run.dump());
    best_.run = hash.value();
  }

  /// Keeps an existing file until a model is better, if it is of the same run and of one of `seeds` seeds from `first`.
  void resume(std::uint64_t first, int seeds) {
    if (!std::filesystem::exists(path_)) return;
    const heed::io::SafetensorsFile file(path_);
    const auto note = file.metadata().find("note.origin");
    const auto json = note == file.metadata().end() ? std::nullopt : heed::io::try_parse_json(note->second);
    if (!json || !json->is_object() || json->value("run", nlohmann::json()) != best_.run) return;
    ModelOrigin origin;
    heed::io::from_json(*json, origin);
    if (origin.seed >= first && origin.seed - first < static_cast<std::uint64_t>(seeds)) best_ = origin;
  }

  /// Throws heed::IoError for what would make `offer` fail where a file can be created: writes `model`, which has the
  /// size of the trained one, completely to a file in the same folder, and removes it.
  void check(const Model& model) const {
    const auto trial = std::filesystem::weakly_canonical(path_).parent_path() /
                       heed::message(".heed-check.", static_cast<Index>(::getpid()));
    try {
      save(model, best_, trial.string());
    } catch (const heed::IoError& error) {
      heed::fail<heed::IoError>("--model", heed::printable(path_), " cannot be written: ", error.what());
    }
    std::filesystem::remove(trial);
  }

  /// Writes the file when `validation` is better than that of all models before.
  void offer(const Model& model, double validation, std::uint64_t seed, Index epoch) {
    if (best_.epoch > 0 && validation <= best_.validation) return;
    const ModelOrigin origin{best_.run, seed, epoch, validation};
    save(model, origin, path_);
    best_ = origin;
  }

  /// "the model of seed 1, epoch 6 is in model.safetensors"; empty before the file is written.
  std::string contents() const {
    if (best_.epoch == 0) return "";
    return heed::message("the model of seed ", best_.seed, ", epoch ", best_.epoch, " is in ", heed::printable(path_));
  }

 private:
  void save(const Model& model, const ModelOrigin& origin, const std::string& path) const {
    heed::io::save_recommender(model, catalogue_, task_, path, time_unit_,
                               {{"origin", heed::io::to_json(origin).dump()}});
  }

  std::string path_;
  heed::data::Catalogue catalogue_;
  heed::recsys::TaskOptions task_;
  std::optional<heed::data::TimeUnit> time_unit_;
  ModelOrigin best_;
};
