// SPDX-License-Identifier: Apache-2.0
// A task on a log: the split, the training examples and the evaluation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "heed/data/batch.hpp"
#include "heed/data/split.hpp"
#include "heed/recsys/batch_ranker.hpp"
#include "heed/recsys/evaluate.hpp"
#include "heed/recsys/recommender.hpp"
#include "heed/recsys/trainer.hpp"

namespace heed::inline HEED_ABI::recsys {

struct TaskOptions {
  /// True: predicts baskets, each from all events before it. False: predicts the next event at every position.
  bool next_basket = true;
  /// Items of the history are candidates and targets, in evaluation and serving: always for baskets, else on request.
  bool keep_history = false;
  /// Of the log: its times are days (data::days_as_baskets), as those of events for the model must be (data::day_of).
  bool day_baskets = false;
  /// Start of the validation and test windows, the same for all users, in seconds or the unit that they name (see
  /// data::time_quantile); the targets of a user are all events in the window. Without cuts each user's own last basket
  /// (with next_basket) or event (leave-one-out) instead; a model may then have seen later events of other users.
  std::optional<data::TimeCuts> cuts{};
  Index max_length = 300;  ///< maximum number of events that a neural model sees; limited by its own maximum
  Index k = 10;            ///< length of the evaluated lists
  double learners = 1;     ///< share of the users trained on (smaller shares are subsets); all are evaluated

  void fields(auto&& visitor) {
    visitor("next_basket", next_basket, "keep_history", keep_history, "day_baskets", day_baskets, "cuts", cuts,
            "max_length", max_length, "k", k, "learners", learners);
  }
  /// Returns whether items of the history may be recommended again.
  bool keeps_history() const { return next_basket || keep_history; }
};

/// A task on a log, which must outlive it. Throws OptionError when learners is not in (0, 1], and as
/// data::split_by_time.
class Task {
 public:
  explicit Task(const data::Interactions& log, const TaskOptions& options = {})
      : log_(&log),
        options_(options),
        split_(split(log, options)),
        examples_(options.next_basket ? data::next_basket_examples(log, split_, options.max_length)
                                      : data::every_position_examples(log, split_, options.max_length)) {
    if (!(options.learners > 0 && options.learners <= 1)) {
      fail<OptionError>("Task", "learners ", options.learners, " is not in (0, 1]");
    }
    std::erase_if(examples_, [&](const data::Example& example) { return !learns(example.user); });
  }
  explicit Task(const data::Interactions&&, const TaskOptions& = {}) = delete;

  const data::Interactions& log() const { return *log_; }
  const TaskOptions& options() const { return options_; }
  const data::Split& split() const { return split_; }
  std::span<const data::Example> examples() const { return examples_; }

  EvaluateOptions evaluation(HeldOut held_out = HeldOut::test) const {
    return {.k = options_.k, .held_out = held_out, .keep_history = options_.keeps_history()};
  }
  void fill(data::Batch& batch, std::span<const data::Example> examples, Random random) const {
    if (options_.next_basket) {
      batch.assign_next_basket(*log_, examples, random);
    } else {
      batch.assign_every_position(*log_, examples);
    }
  }
  /// Returns whether the user's events are training events.
  bool learns(data::Id u) const {
    return options_.learners == 1 ||
           Random(1).fork("learners").uniform(static_cast<std::uint64_t>(u)) < options_.learners;
  }
  /// Returns the number of events per user that a counting model is trained on: [users], 0 for users that are not
  /// trained on. Validation events are included on request.
  std::vector<Index> counted_ends(bool with_validation) const {
    std::vector<Index> out = with_validation ? split_.validation_end : split_.train_end;
    for (std::size_t u = 0; u < out.size(); ++u) {
      if (!learns(static_cast<data::Id>(u))) out[u] = 0;
    }
    return out;
  }
  /// Returns the log's catalogue with the item counts of the training events: for the constructor of a model.
  data::Catalogue catalogue() const {
    data::Catalogue out = log_->catalogue;
    out.counts = data::item_counts(*log_, counted_ends(false));
    return out;
  }
  /// Returns whether any user has a validation target.
  bool validates() const {
    bool out = false;
    for_each_held_out(*log_, split_, HeldOut::validation, options_.keeps_history(), [&](auto&&...) { out = true; });
    return out;
  }

 private:
  static data::Split split(const data::Interactions& log, const TaskOptions& options) {
    if (options.cuts) return data::split_by_time(log, *options.cuts);
    return options.next_basket ? data::last_basket(log) : data::leave_one_out(log);
  }

  const data::Interactions* log_;
  TaskOptions options_;
  data::Split split_;
  std::vector<data::Example> examples_;
};

/// Returns a training of `model` on the task's examples. Errors as Training. Its hooks: see `hooks_of`.
template <Recommender Model>
Training<Model> training_of(Model& model, const Task& task, const TrainOptions& options) {
  std::vector<data::Example> examples(task.examples().begin(), task.examples().end());
  const Index seen = seen_length(model, task.options().max_length);
  for (data::Example& example : examples) example.begin = data::history_begin(example.end, seen);
  return Training<Model>(model, std::move(examples), options);
}

/// Returns `hooks` with the task's `fill` and `validate`, unless these are set: NDCG@k on the validation targets, if
/// there are any. The model and the task must outlive them.
template <Recommender Model>
TrainHooks hooks_of(const Model& model, const Task& task, Executor* executor = nullptr, TrainHooks hooks = {}) {
  if (!hooks.fill) {
    hooks.fill = [&task](data::Batch& batch, std::span<const data::Example> examples, Random random) {
      task.fill(batch, examples, random);
    };
  }
  if (!hooks.validate && task.validates()) {
    const BatchRankerOptions options{.max_length = task.options().max_length, .executor = executor};
    // Shared, because a std::function copies what it holds.
    hooks.validate = [&task, ranker = std::make_shared<BatchRanker<Model>>(model, options)] {
      return evaluate(task.log(), task.split(), *ranker, task.evaluation(HeldOut::validation)).all.mean().ndcg;
    };
  }
  return hooks;
}

/// Trains `model` on the task and restores the weights of the epoch with the best validation NDCG@k. Without validation
/// targets the figure is the negative training loss. `hooks.fill` and `hooks.validate` default to the task's. Errors as
/// Training.
template <Recommender Model>
TrainReport fit(Model& model, const Task& task, const TrainOptions& options, TrainHooks hooks = {}) {
  return training_of(model, task, options).run(hooks_of(model, task, options.executor, std::move(hooks)));
}

}  // namespace heed::inline HEED_ABI::recsys
