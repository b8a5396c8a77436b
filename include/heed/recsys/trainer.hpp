// SPDX-License-Identifier: Apache-2.0
// The training loop of a recommender: shuffled batches, Adam, early stopping on a validation figure, best weights.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/data/token_batches.hpp"
#include "heed/nn/module.hpp"
#include "heed/optim/clip.hpp"
#include "heed/optim/lazy_adam.hpp"
#include "heed/optim/schedule.hpp"

namespace heed::inline HEED_ABI::recsys {

struct TrainOptions {
  Index batch_size = 64;  ///< examples per step
  Index max_tokens = 0;   ///< maximum tokens per step, with histories of similar length; 0: batch_size is used instead
  Index max_epochs = 20;
  Index patience = 3;           ///< training ends after this many epochs without a better validation figure
  double learning_rate = 1e-3;  ///< the maximum
  Index warm_up = 0;            ///< steps over which the rate increases, at most a tenth of the steps of max_epochs
  optim::Decay decay = optim::Decay::constant;  ///< afterwards: constant, or cosine to 0 at the end of max_epochs
  double clip_norm = 0;                         ///< maximum norm of all gradients together; 0: not clipped
  /// Selects tables of which a step uses few rows, as with a sampled loss (`optim::under("items")`), for
  /// optim::LazyAdam: the same weights in less time. Hooks other than `validate` may then see outdated rows.
  std::function<bool(std::string_view path, const Shape& shape)> lazy_rows{};
  Random random{42};
  Executor* executor = nullptr;

  void fields(auto&& visitor) {
    visitor("batch_size", batch_size, "max_tokens", max_tokens, "max_epochs", max_epochs, "patience", patience,
            "learning_rate", learning_rate, "warm_up", warm_up, "decay", decay, "clip_norm", clip_norm, "lazy_rows",
            lazy_rows, "random", random, "executor", executor);
  }
};

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

  double training() const { return batches + forward + backward + update; }
};

/// Reported after each epoch.
struct EpochReport {
  Index epoch = 0;
  double loss = 0, validation = 0;
  double tokens_per_second = 0;
  PhaseSeconds seconds{};
  bool best = false;
};

struct TrainReport {
  std::vector<EpochReport> epochs;
  Index best_epoch = 0;  ///< the epoch of the model's weights; 0 when no epoch was validated
  bool interrupted = false;
};

/// The callbacks of `train`; only `fill` and `validate` are required.
struct TrainHooks {
  /// Fills a batch with examples.
  std::function<void(data::Batch&, std::span<const data::Example>, Random)> fill;
  /// Returns the figure to maximise, measured on held-out data.
  std::function<double()> validate;
  /// Called after every step; returning false ends the epoch, validates, and ends the training.
  std::function<bool(const TrainProgress&)> on_step;
  std::function<void(const EpochReport&)> on_epoch;
  /// The clock of the reports, in seconds; by default the steady clock.
  std::function<double()> now = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
};

namespace detail {

/// Orders the examples of an epoch and cuts them into batches.
inline std::vector<data::BatchRange> cut_batches(std::vector<data::Example>& examples, const TrainOptions& options,
                                                 Random random) {
  if (options.max_tokens > 0) {
    return data::batches_by_tokens(examples, {.max_tokens = options.max_tokens}, random.fork("order"));
  }
  random.fork("order").shuffle(std::span(examples));
  std::vector<data::BatchRange> out;
  const Index count = std::ssize(examples);
  for (Index begin = 0; begin < count; begin += options.batch_size) {
    out.push_back({begin, std::min(count, begin + options.batch_size)});
  }
  return out;
}

}  // namespace detail

/// Trains `model`, which has `loss(tape, batch)`, and restores the weights of its best epoch. The same seed gives the
/// same weights for any number of threads. Throws Error when the loss is not finite; OptionError on bad options.
template <nn::Module Model>
TrainReport train(Model& model, std::span<const data::Example> examples, const TrainHooks& hooks,
                  const TrainOptions& options) {
  using Scalar = typename Model::scalar_type;
  double last = 0;
  /// Adds the time since `last` to a phase.
  const auto charge = [&](double& phase) {
    const double now = hooks.now();
    phase += now - std::exchange(last, now);
  };
  if (examples.empty()) fail<OptionError>("train", "no examples to learn from");
  if (!hooks.fill || !hooks.validate) fail<OptionError>("train", "the hooks fill and validate are required");
  if (options.batch_size <= 0 || options.max_epochs <= 0 || options.patience <= 0 || options.max_tokens < 0) {
    fail<OptionError>("train", "batch_size ", options.batch_size, ", max_epochs ", options.max_epochs, " and patience ",
                      options.patience, " must be positive, max_tokens ", options.max_tokens, " not negative");
  }
  const auto parameters = nn::parameters(model);
  Tape<Scalar> tape({.training = true, .random = options.random.fork("dropout"), .executor = options.executor});
  data::Batch batch;
  std::vector<data::Example> order(examples.begin(), examples.end());
  // However the training ends, including by an exception, the model keeps the best weights.
  struct Best {
    const ParameterList<Scalar>& parameters;
    std::vector<Tensor<Scalar>> values{};
    ~Best() {
      for (std::size_t i = 0; i < values.size(); ++i) {
        std::copy_n(values[i].data(), values[i].size(), parameters[i].parameter->value().data());
      }
    }
  } best{parameters};
  // Declared after `best`: its destructor updates outdated rows and must run first.
  optim::LazyAdam<Scalar> adam(parameters, options.lazy_rows,
                               {.learning_rate = options.learning_rate, .executor = options.executor});
  TrainReport report;
  double best_figure = -INFINITY;
  std::optional<optim::Schedule> schedule;
  Index since_best = 0;

  for (Index epoch = 1; epoch <= options.max_epochs && !report.interrupted; ++epoch) {
    PhaseSeconds seconds;
    last = hooks.now();
    const Random random = options.random.fork("epoch").fork(static_cast<std::uint64_t>(epoch));
    std::copy(examples.begin(), examples.end(), order.begin());
    const auto batches = detail::cut_batches(order, options, random);
    if (!schedule) {
      const Index total = std::ssize(batches) * options.max_epochs;
      schedule.emplace(optim::ScheduleOptions{.learning_rate = options.learning_rate,
                                              .warm_up = std::min(options.warm_up, total / 10),
                                              .decay = options.decay,
                                              .total_steps = total});
    }
    TrainProgress progress{.epoch = epoch, .examples_in_epoch = static_cast<Index>(order.size())};
    double loss_sum = 0;
    Index tokens = 0;
    for (const auto& [begin, end] : batches) {
      if (report.interrupted) break;
      const Index count = end - begin;
      hooks.fill(batch, std::span(order).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)),
                 random.fork(static_cast<std::uint64_t>(begin)));
      charge(seconds.batches);
      tape.clear();
      const Var<Scalar> loss = model.loss(tape, batch);
      const auto value = static_cast<double>(loss.item());
      if (!std::isfinite(value)) {
        fail("train", "the loss is ", value, " in epoch ", epoch, " after ", progress.examples, " examples");
      }
      charge(seconds.forward);
      backward(loss);
      charge(seconds.backward);
      if (options.clip_norm > 0) optim::clip_gradient_norm(parameters, options.clip_norm);
      adam.set_learning_rate((*schedule)(adam.steps()));
      adam.step();
      charge(seconds.update);
      progress.examples += count;
      loss_sum += value * static_cast<double>(count);
      tokens += batch.segments.tokens();
      progress.loss = loss_sum / static_cast<double>(progress.examples);
      progress.seconds = seconds.training();
      progress.tokens_per_second = static_cast<double>(tokens) / progress.seconds;
      if (hooks.on_step && !hooks.on_step(progress)) report.interrupted = true;
      last = hooks.now();  // the time of the caller's hook is not part of any phase
    }
    adam.catch_up();
    charge(seconds.update);
    EpochReport done{.epoch = epoch, .loss = progress.loss, .validation = hooks.validate()};
    charge(seconds.validation);
    done.seconds = seconds;
    done.tokens_per_second = static_cast<double>(tokens) / seconds.training();
    if (done.validation > best_figure) {
      best_figure = done.validation;
      done.best = true;
      report.best_epoch = epoch;
      since_best = 0;
      std::vector<Tensor<Scalar>> values;
      for (const auto& named : parameters) values.push_back(named.parameter->value());
      best.values = std::move(values);
    } else {
      ++since_best;
    }
    report.epochs.push_back(done);
    if (hooks.on_epoch) hooks.on_epoch(done);
    if (since_best >= options.patience) break;
  }
  return report;
}

}  // namespace heed::inline HEED_ABI::recsys
