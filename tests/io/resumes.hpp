// SPDX-License-Identifier: Apache-2.0
// Trains a model, saves it at some steps, continues from each file in another model, and compares all bits.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heed/io/training_checkpoint.hpp"
#include "heed/recsys/task.hpp"
#include "support/error_of.hpp"
#include "support/same_bits.hpp"
#include "temporary.hpp"

namespace resumes {

using namespace heed;
using test::error_of;

/// What a training gives: all but the times.
template <class Scalar>
struct Outcome {
  std::vector<Tensor<Scalar>> weights;
  std::vector<double> figures;

  friend bool operator==(const Outcome& a, const Outcome& b) {
    if (a.figures != b.figures || a.weights.size() != b.weights.size()) return false;
    for (std::size_t i = 0; i < a.weights.size(); ++i) {
      if (!test::same_bits(a.weights[i], b.weights[i])) return false;
    }
    return true;
  }
};

template <class Model>
Outcome<typename Model::scalar_type> outcome(Model& model, const recsys::TrainReport& report) {
  Outcome<typename Model::scalar_type> out;
  for (const auto& named : nn::parameters(model)) out.weights.push_back(named.parameter->value());
  for (const auto& epoch : report.epochs) {
    for (const double figure : {static_cast<double>(epoch.epoch), epoch.loss, epoch.validation, double(epoch.best)}) {
      out.figures.push_back(figure);
    }
  }
  out.figures.push_back(static_cast<double>(report.best_epoch));
  return out;
}

/// `make()` returns a unique_ptr to an uninitialised model. `saves(step)` says where to save; the end is always saved.
/// The rest is run with the executor `other`.
template <class Make>
void check(
    const Make& make, const recsys::Task& task, const recsys::TrainOptions& options,
    const std::function<bool(Index)>& saves = [](Index) { return true; }, Executor* other = nullptr) {
  const temporary::Folder folder;
  const auto hooks = [&](auto& model) { return recsys::hooks_of(model, task, options.executor); };
  recsys::TrainOptions others = options;
  others.executor = other;

  const auto alone = make();
  nn::initialize(*alone, Random(1));
  const auto expected = outcome(*alone, recsys::training_of(*alone, task, options).run(hooks(*alone)));

  // Saving does not change what is saved from.
  const auto saved = make();
  nn::initialize(*saved, Random(1));
  auto training = recsys::training_of(*saved, task, options);
  std::vector<std::string> files;
  const auto save = [&] {
    files.push_back(folder.file(std::to_string(training.optimizer().steps()) + "-" + std::to_string(files.size())));
    io::save_checkpoint(training, files.back(), {{"log", 7}});
  };
  auto saving = hooks(*saved);
  saving.on_step = [&](const recsys::TrainProgress&) {
    if (saves(training.optimizer().steps())) save();
    return true;
  };
  const auto report = training.run(saving);
  REQUIRE(outcome(*saved, report) == expected);
  save();
  REQUIRE(files.size() > 1);

  for (const std::string& file : files) {
    INFO(file);
    const auto fresh = make();  // not initialised
    auto rest = recsys::training_of(*fresh, task, others);
    io::load_checkpoint(rest, file, {{"log", 7}});
    CHECK(outcome(*fresh, rest.run(recsys::hooks_of(*fresh, task, other))) == expected);
    CHECK(rest.optimizer().steps() == training.optimizer().steps());
  }
}

}  // namespace resumes
