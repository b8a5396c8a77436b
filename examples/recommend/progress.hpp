// SPDX-License-Identifier: Apache-2.0
// The output of a training: a progress bar during an epoch (on a terminal only), a line per epoch, curves in a report.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <heed/core/stopwatch.hpp>
#include <heed/io/report.hpp>
#include <heed/recsys/task.hpp>
#include <string>
#include <utility>
#include <vector>

#include "checkpoints.hpp"

/// The phases of an epoch and their seconds, in order of execution.
using Phases = std::vector<std::pair<const char*, double>>;
inline Phases phases(const heed::recsys::PhaseSeconds& seconds) {
  return {{"batches", seconds.batches},
          {"forward", seconds.forward},
          {"backward", seconds.backward},
          {"update", seconds.update},
          {"validation", seconds.validation}};
}
/// The mean over `epochs`.
inline Phases mean_phases(const std::vector<heed::recsys::EpochReport>& epochs) {
  Phases out = phases({});
  for (const auto& epoch : epochs) {
    const Phases one = phases(epoch.seconds);
    for (std::size_t p = 0; p < out.size(); ++p) out[p].second += one[p].second / static_cast<double>(epochs.size());
  }
  return out;
}

class Progress {
 public:
  void step(const heed::recsys::TrainProgress& at) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    const double share = static_cast<double>(at.examples) / static_cast<double>(at.examples_in_epoch);
    const auto filled = static_cast<std::size_t>(share * 24);
    std::printf("\r\033[Kepoch %2td  [%s%s] %3.0f %%  loss %.4f  %.0f tokens/s  %.0f s left in this epoch", at.epoch,
                std::string(filled, '#').c_str(), std::string(24 - filled, '.').c_str(), 100 * share, at.loss,
                at.tokens_per_second, at.seconds * (1 / share - 1));
    std::fflush(stdout);
  }
  void epoch(const heed::recsys::EpochReport& done, const char* figure) {
    if (terminal_) std::printf("\r\033[K");
    std::printf("epoch %2td  loss %.4f  %s %.4f%s  %.0f tokens/s  %.1f s + %.1f s validation\n", done.epoch, done.loss,
                figure, done.validation, done.best ? " (best)" : "", done.tokens_per_second, done.seconds.training(),
                done.seconds.validation);
    std::fflush(stdout);
  }

 private:
  bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
  std::chrono::steady_clock::time_point shown_{};
};

/// A training and its wall time.
struct Training {
  heed::recsys::TrainReport report;
  double seconds = 0;

  double best_validation() const { return report.epochs[static_cast<std::size_t>(report.best_epoch - 1)].validation; }
};

/// Trains `model` on `task`; order, dropout and negatives follow from `seed`.
template <heed::recsys::Recommender Model>
Training fit_from_seed(Model& model, const heed::recsys::Task& task, heed::recsys::TrainOptions options,
                       std::uint64_t seed, heed::Executor& executor, heed::recsys::TrainHooks hooks,
                       const Checkpoints& checkpoints = {}) {
  options.random = heed::Random(seed).fork("training");
  options.executor = &executor;
  const heed::Stopwatch watch;
  auto training = heed::recsys::training_of(model, task, options);
  bool resumed = false;
  Training out{
      checkpoints.run_or_resume(training, heed::recsys::hooks_of(model, task, &executor, std::move(hooks)), resumed),
      watch.seconds()};
  if (!resumed) return out;
  out.seconds = 0;  // the time before the checkpoint, too
  for (const auto& epoch : out.report.epochs) out.seconds += epoch.seconds.training() + epoch.seconds.validation;
  return out;
}

/// One training with its name in the report.
struct Curve {
  std::string name;
  heed::recsys::TrainReport training;
};

/// Adds charts of loss and of `figure` with a curve per training, and a table of costs with a row per training.
inline void write_curves(heed::io::Report& report, const std::vector<Curve>& curves, const char* figure) {
  heed::io::LineChart loss{"Training loss", "epoch", {}}, validation{figure, "epoch", {}};
  heed::io::Table costs{{""}, {}};
  for (const auto& [phase, seconds] : phases({})) costs.header.push_back(phase);
  for (const auto& [name, training] : curves) {
    heed::io::Series losses{name, {}}, figures{name, {}};
    for (const auto& epoch : training.epochs) {
      losses.y.push_back(epoch.loss);
      figures.y.push_back(epoch.validation);
    }
    loss.series.push_back(losses);
    validation.series.push_back(figures);
    costs.rows.push_back({name});
    for (const auto& [phase, seconds] : mean_phases(training.epochs)) {
      costs.rows.back().push_back(heed::io::fixed(seconds, 3));
    }
  }
  report.heading("Training").line_chart(loss).line_chart(validation);
  report.table("Seconds per epoch by phase", costs);
}
