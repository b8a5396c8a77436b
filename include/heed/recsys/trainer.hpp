// SPDX-License-Identifier: Apache-2.0
// The training of a recommender: shuffled batches, Adam, early stopping on a validation figure, best weights.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
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
#include "heed/recsys/check_finite.hpp"
#include "heed/recsys/train_report.hpp"

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

/// The callbacks of a training; only `fill` is required.
struct TrainHooks {
  /// Fills a batch with examples.
  std::function<void(data::Batch&, std::span<const data::Example>, Random)> fill;
  /// Returns the figure to maximise, measured on held-out data; by default the negative training loss of the epoch.
  std::function<double()> validate;
  /// Called after every step; returning false interrupts the training at once, without another validation.
  std::function<bool(const TrainProgress&)> on_step;
  /// Called after every validation; returning false ends the training, as reaching max_epochs does.
  std::function<bool(const EpochReport&)> on_epoch;
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

/// A training of `model`, which has `loss(tape, batch)`. The same seed gives the same weights for any number of
/// threads, and also when the state between two steps was saved and restored (io/training_checkpoint.hpp). The model
/// must not be moved before `run` has returned.
template <nn::Module Model>
class Training {
 public:
  using Scalar = typename Model::scalar_type;

  /// Throws OptionError on bad options and without examples.
  Training(Model& model, std::vector<data::Example> examples, const TrainOptions& options)
      : options_(checked(options, examples)),
        model_(&model),
        parameters_(nn::parameters(model)),
        examples_(std::move(examples)),
        order_(examples_),
        optimizer_(parameters_, options.lazy_rows,
                   {.learning_rate = options.learning_rate, .executor = options.executor}),
        tape_({.training = true, .random = options.random.fork("dropout"), .executor = options.executor}),
        schedule_(schedule()) {}
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;
  ~Training() { end(); }

  /// Trains to the end. However it ends, also by an exception, the model then has the weights of its best epoch, or
  /// those of the last step when no epoch was validated. Returns at once when the training is finished. Throws Error
  /// when a loss, a weight or a validation figure is not finite; OptionError without `fill`; StateError after an
  /// interruption or an exception: the weights to continue with are gone, so a new training must load a checkpoint.
  TrainReport run(const TrainHooks& hooks) {
    if (!hooks.fill) fail<OptionError>("train", "the hook fill is required");
    if (stage_ == Stage::ended && position_.finished) return report_;
    check(stage_ == Stage::ready);
    stage_ = Stage::running;
    struct AtEnd {
      Training& training;
      ~AtEnd() { training.end(); }
    } at_end{*this};
    while (!position_.finished && !report_.interrupted) run_epoch(hooks);
    return report_;
  }

  const TrainOptions& options() const { return options_; }
  const TrainReport& report() const { return report_; }
  const ParameterList<Scalar>& parameters() const { return parameters_; }
  optim::Optimizer<Scalar>& optimizer() { return optimizer_; }
  /// The weights of the best epoch, in the order of `parameters()`; empty before the first validation.
  std::span<Tensor<Scalar>> best_weights() { return best_; }

  /// The position between two steps. Throws StateError after an interruption or an exception.
  const TrainPosition& position() const {
    check(stage_ != Stage::ended || position_.finished);
    return position_;
  }
  /// Continues from this position: the caller then sets the values of `parameters()`, `best_weights()` and
  /// `optimizer().state()`. Throws StateError unless the training is new, OptionError when no training with these
  /// options and examples can have this state; nothing is changed then.
  void restore(TrainReport report, const TrainPosition& position, Index steps) {
    check(stage_ == Stage::ready && optimizer_.steps() == 0);
    if (!reachable(report, position, steps)) {
      fail<OptionError>("train", "a state that no training with these options and examples has");
    }
    std::vector<Tensor<Scalar>> best;
    for (std::size_t i = 0; report.best_epoch > 0 && i < parameters_.size(); ++i) {
      best.emplace_back(parameters_[i].parameter->shape());
    }
    for (const auto& named : parameters_) named.parameter->value();  // marks it as initialised
    best_ = std::move(best);
    report_ = std::move(report);
    report_.interrupted = false;
    position_ = position;
    optimizer_.set_steps(steps);
    tape_.set_step(static_cast<std::uint64_t>(steps));
  }

 private:
  enum class Stage { ready, running, ended };

  static const TrainOptions& checked(const TrainOptions& options, const std::vector<data::Example>& examples) {
    if (examples.empty()) fail<OptionError>("train", "no examples to learn from");
    if (options.batch_size <= 0 || options.max_epochs <= 0 || options.patience <= 0 || options.max_tokens < 0) {
      fail<OptionError>("train", "batch_size ", options.batch_size, ", max_epochs ", options.max_epochs,
                        " and patience ", options.patience, " must be positive, max_tokens ", options.max_tokens,
                        " not negative");
    }
    return options;
  }
  static void check(bool good) {
    if (!good) fail<StateError>("train", "the training has begun or was interrupted: load a checkpoint into a new one");
  }

  Random random_of(Index epoch) const { return options_.random.fork("epoch").fork(static_cast<std::uint64_t>(epoch)); }
  /// Orders the examples for an epoch.
  std::vector<data::BatchRange> batches_of(Index epoch) {
    std::copy(examples_.begin(), examples_.end(), order_.begin());
    return detail::cut_batches(order_, options_, random_of(epoch));
  }
  /// The steps of the first `epochs` epochs: with max_tokens, the number of batches depends on their order.
  Index steps_of(Index epochs) {
    if (options_.max_tokens == 0) return std::ssize(batches_of(1)) * epochs;
    Index out = 0;
    for (Index epoch = 1; epoch <= epochs; ++epoch) out += std::ssize(batches_of(epoch));
    return out;
  }
  optim::Schedule schedule() {
    const Index total = std::ssize(batches_of(1)) * options_.max_epochs;
    return optim::Schedule({.learning_rate = options_.learning_rate,
                            .warm_up = std::min(options_.warm_up, total / 10),
                            .decay = options_.decay,
                            .total_steps = total});
  }
  bool is_last(const TrainReport& report) const {
    return std::ssize(report.epochs) >= options_.max_epochs || report.since_best() >= options_.patience;
  }

  void run_epoch(const TrainHooks& hooks) {
    const Index epoch = std::ssize(report_.epochs) + 1;
    PhaseSeconds& seconds = position_.seconds;
    double last = hooks.now();
    /// Adds the time since `last` to a phase.
    const auto charge = [&](double& phase) {
      const double now = hooks.now();
      phase += now - std::exchange(last, now);
    };
    const auto batches = batches_of(epoch);
    while (position_.batches < std::ssize(batches)) {
      const auto [begin, end] = batches[static_cast<std::size_t>(position_.batches)];
      const auto count = static_cast<std::size_t>(end - begin);
      hooks.fill(batch_, std::span(order_).subspan(static_cast<std::size_t>(begin), count),
                 random_of(epoch).fork(static_cast<std::uint64_t>(begin)));
      charge(seconds.batches);
      tape_.clear();
      const Var<Scalar> loss = model_->loss(tape_, batch_);
      const auto value = static_cast<double>(loss.item());
      if (!std::isfinite(value)) {
        fail("train", "the loss is ", value, " in epoch ", epoch, " after ", position_.examples, " examples");
      }
      charge(seconds.forward);
      backward(loss);
      charge(seconds.backward);
      if (options_.clip_norm > 0) optim::clip_gradient_norm(parameters_, options_.clip_norm);
      optimizer_.set_learning_rate(schedule_(optimizer_.steps()));
      optimizer_.step();
      charge(seconds.update);
      ++position_.batches;
      position_.examples += end - begin;
      position_.tokens += batch_.segments.tokens();
      position_.loss_sum += value * static_cast<double>(count);
      if (hooks.on_step && !hooks.on_step({.epoch = epoch,
                                           .examples = position_.examples,
                                           .examples_in_epoch = std::ssize(order_),
                                           .loss = mean_loss(),
                                           .seconds = seconds.training(),
                                           .tokens_per_second = position_.tokens_per_second()})) {
        report_.interrupted = true;
        return;
      }
      last = hooks.now();  // the time of the caller's hook is not part of any phase
    }
    optimizer_.catch_up();
    if (const std::string wrong = weight_not_finite(*model_); !wrong.empty()) {
      fail("train", "after epoch ", epoch, " (loss ", mean_loss(), "), ", wrong);
    }
    charge(seconds.update);
    EpochReport done{.epoch = epoch, .loss = mean_loss()};
    done.validation = hooks.validate ? hooks.validate() : -done.loss;
    if (!std::isfinite(done.validation)) {
      fail("train", "the validation figure is ", done.validation, " in epoch ", epoch);
    }
    charge(seconds.validation);
    done.seconds = seconds;
    done.tokens_per_second = position_.tokens_per_second();
    done.best = report_.best_epoch == 0 || done.validation > best_figure(report_);
    finish(done);
    if (hooks.on_epoch && !hooks.on_epoch(done)) position_.finished = true;
  }
  void finish(const EpochReport& done) {
    std::vector<Tensor<Scalar>> values;  // first, as nothing has changed when there is no memory for it
    for (const auto& named : parameters_) {
      if (done.best) values.push_back(named.parameter->value());
    }
    report_.epochs.push_back(done);
    if (done.best) {
      best_ = std::move(values);
      report_.best_epoch = done.epoch;
    }
    position_ = {.finished = is_last(report_)};
  }

  double mean_loss() const { return position_.loss_sum / static_cast<double>(position_.examples); }
  static double best_figure(const TrainReport& report) {
    return report.epochs[static_cast<std::size_t>(report.best_epoch - 1)].validation;
  }

  static constexpr Index max_tokens = Index{1} << 48;  ///< in an epoch: far below an overflow of their sum
  /// Whether a training with these options and examples can have this state. It may come from a damaged file.
  bool reachable(const TrainReport& report, const TrainPosition& at, Index steps) {
    TrainReport so_far;
    for (const EpochReport& one : report.epochs) {
      if (is_last(so_far) || one.epoch != std::ssize(so_far.epochs) + 1) return false;
      if (one.best != (so_far.best_epoch == 0 || one.validation > best_figure(so_far))) return false;
      so_far.epochs.push_back(one);
      if (one.best) so_far.best_epoch = one.epoch;
    }
    const Index done = std::ssize(so_far.epochs);
    if (report.best_epoch != so_far.best_epoch || at.batches < 0 || at.tokens < 0 || at.tokens > max_tokens ||
        steps < at.batches || steps - at.batches != steps_of(done)) {
      return false;
    }
    if (at.finished) return done > 0 && at.batches == 0;
    if (is_last(so_far)) return false;
    const auto batches = batches_of(done + 1);
    if (at.batches > std::ssize(batches)) return false;
    Index examples = 0;
    for (Index i = 0; i < at.batches; ++i) {
      const auto [begin, end] = batches[static_cast<std::size_t>(i)];
      examples += end - begin;
    }
    return at.examples == examples;
  }

  /// Gives the model its best weights.
  void end() {
    if (std::exchange(stage_, Stage::ended) == Stage::ended) return;
    optimizer_.catch_up();
    for (std::size_t i = 0; i < best_.size(); ++i) {
      std::copy_n(best_[i].data(), best_[i].size(), parameters_[i].parameter->value().data());
    }
  }

  TrainOptions options_;
  Model* model_;
  ParameterList<Scalar> parameters_;
  std::vector<data::Example> examples_, order_;
  optim::LazyAdam<Scalar> optimizer_;
  Tape<Scalar> tape_;
  optim::Schedule schedule_;
  data::Batch batch_;
  std::vector<Tensor<Scalar>> best_;
  TrainReport report_;
  TrainPosition position_;
  Stage stage_ = Stage::ready;
};

/// Trains `model` with `examples`: see Training.
template <nn::Module Model>
TrainReport train(Model& model, std::span<const data::Example> examples, const TrainHooks& hooks,
                  const TrainOptions& options) {
  return Training<Model>(model, {examples.begin(), examples.end()}, options).run(hooks);
}

}  // namespace heed::inline HEED_ABI::recsys
