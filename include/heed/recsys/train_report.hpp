// SPDX-License-Identifier: Apache-2.0
// What a training reports of its steps and epochs, and its position between two steps.
#pragma once

#include <iterator>
#include <vector>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Reported after each step.
struct TrainProgress {
  Index epoch = 0;  ///< from 1
  Index examples = 0, examples_in_epoch = 0;
  double loss = 0;                            ///< mean over the epoch so far
  double seconds = 0, tokens_per_second = 0;  ///< of this epoch
};

/// The time of an epoch by phase.
struct PhaseSeconds {
  double batches = 0;  ///< ordering and filling the batches
  double forward = 0;  ///< including the gradients that the loss computes in the forward pass (linear_cross_entropy)
  double backward = 0;
  double update = 0;  ///< clipping and the optimiser
  double validation = 0;

  void fields(auto&& visitor) {
    visitor("batches", batches, "forward", forward, "backward", backward, "update", update, "validation", validation);
  }

  double training() const { return batches + forward + backward + update; }
};

/// Reported after each epoch.
struct EpochReport {
  Index epoch = 0;
  double loss = 0, validation = 0;
  double tokens_per_second = 0;  ///< 0 when the clock did not advance
  PhaseSeconds seconds{};
  bool best = false;

  void fields(auto&& visitor) {
    visitor("epoch", epoch, "loss", loss, "validation", validation, "tokens_per_second", tokens_per_second, "seconds",
            seconds, "best", best);
  }
};

struct TrainReport {
  std::vector<EpochReport> epochs;  ///< the validated ones
  Index best_epoch = 0;             ///< the epoch of the model's weights; 0 when no epoch was validated
  bool interrupted = false;         ///< by TrainHooks::on_step

  void fields(auto&& visitor) { visitor("epochs", epochs, "best_epoch", best_epoch, "interrupted", interrupted); }

  /// The number of epochs after the best one.
  Index since_best() const { return std::ssize(epochs) - best_epoch; }
};

/// The position of a training between two steps, in the epoch that follows the last one of its report. The order of the
/// examples, the learning rate and all random numbers follow from it and the options.
struct TrainPosition {
  Index batches = 0;  ///< steps taken in this epoch
  Index examples = 0, tokens = 0;
  double loss_sum = 0;  ///< over these examples
  PhaseSeconds seconds{};
  bool finished = false;

  void fields(auto&& visitor) {
    visitor("batches", batches, "examples", examples, "tokens", tokens, "loss_sum", loss_sum, "seconds", seconds,
            "finished", finished);
  }

  double tokens_per_second() const {
    return seconds.training() > 0 ? static_cast<double>(tokens) / seconds.training() : 0;
  }
};

}  // namespace heed::inline HEED_ABI::recsys
