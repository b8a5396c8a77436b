// SPDX-License-Identifier: Apache-2.0
// The model file of a training: checked before, and written whenever the model is better.
#pragma once

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <heed/core/printable.hpp>
#include <heed/io/recommender.hpp>
#include <heed/recsys/task.hpp>
#include <optional>
#include <string>
#include <utility>

#include "customer.hpp"

class ModelOutput {
 public:
  ModelOutput(std::string path, const heed::recsys::Task& task)
      : path_(std::move(path)),
        catalogue_(task.catalogue()),
        task_(task.options()),
        time_unit_(task.log().times.empty() ? std::nullopt : std::optional(task.log().time_unit)) {}

  /// Throws heed::IoError for what would make `offer` fail where a file can be created: writes `model`, which has the
  /// size of the trained one, completely to a file in the same folder, and removes it.
  void check(const Model& model) const {
    const auto trial = std::filesystem::weakly_canonical(path_).parent_path() /
                       heed::message(".heed-check.", static_cast<Index>(::getpid()));
    try {
      heed::io::save_recommender(model, catalogue_, task_, trial.string(), time_unit_);
    } catch (const heed::IoError& error) {
      heed::fail<heed::IoError>("--model", heed::printable(path_), " cannot be written: ", error.what());
    }
    std::filesystem::remove(trial);
  }

  /// Writes the file when `validation` is better than that of all models before.
  void offer(const Model& model, double validation, std::uint64_t seed, Index epoch) {
    if (!(validation > best_)) return;
    heed::io::save_recommender(model, catalogue_, task_, path_, time_unit_);
    best_ = validation;
    contents_ = heed::message("the model of seed ", seed, ", epoch ", epoch, " is in ", heed::printable(path_));
  }

  /// "the model of seed 1, epoch 6 is in model.safetensors"; empty before the file is written.
  const std::string& contents() const { return contents_; }

 private:
  std::string path_;
  heed::data::Catalogue catalogue_;
  heed::recsys::TaskOptions task_;
  std::optional<heed::data::TimeUnit> time_unit_;
  double best_ = -INFINITY;
  std::string contents_;
};
