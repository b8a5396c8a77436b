// SPDX-License-Identifier: Apache-2.0
// What a log is used for: the split, the examples to learn from, and how the outcome is measured, in one place.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "heed/data/batch.hpp"
#include "heed/data/split.hpp"
#include "heed/recsys/batch_ranker.hpp"
#include "heed/recsys/evaluate.hpp"
#include "heed/recsys/history.hpp"
#include "heed/recsys/recommender.hpp"
#include "heed/recsys/trainer.hpp"

namespace heed::inline HEED_ABI::recsys {

struct TaskOptions {
  /// True: the items of each user's last basket, from all baskets before, history kept among the candidates. False: the
  /// last event of each user, learned at every position, history left out of the candidates (leave-one-out).
  bool next_basket = true;
  Index max_length = 300;  ///< events of a history that a neural model sees, if it can see so many
  Index k = 10;            ///< length of the lists that are measured
  double learners = 1;  ///< share of the users whose events are learned from; all validate and are measured. A smaller
                        ///< share is a part of a greater one
};

/// One task on one log, which must outlive it.
class Task {
 public:
  explicit Task(const data::Interactions& log, const TaskOptions& options = {})
      : log_(&log),
        options_(options),
        split_(options.next_basket ? data::last_basket(log) : data::leave_one_out(log)),
        examples_(options.next_basket ? data::next_basket_examples(log, split_, options.max_length)
                                      : data::every_position_examples(log, split_, options.max_length)) {
    if (!(options.learners > 0 && options.learners <= 1)) {
      fail<OptionError>("Task", "learners ", options.learners, " is not in (0, 1]");
    }
    std::erase_if(examples_, [&](const data::Example& example) { return !learns(example.user); });
  }

  const data::Interactions& log() const { return *log_; }
  const TaskOptions& options() const { return options_; }
  const data::Split& split() const { return split_; }
  std::span<const data::Example> examples() const { return examples_; }

  EvaluateOptions evaluation(HeldOut held_out = HeldOut::test) const {
    return {.k = options_.k, .held_out = held_out, .keep_history = options_.next_basket};
  }
  void fill(data::Batch& batch, std::span<const data::Example> examples, Random random) const {
    if (options_.next_basket) {
      batch.assign_next_basket(*log_, examples, random);
    } else {
      batch.assign_every_position(*log_, examples);
    }
  }
  /// The user's events are among those that are learned from.
  bool learns(Index u) const {
    return options_.learners == 1 ||
           Random(1).fork("learners").uniform(static_cast<std::uint64_t>(u)) < options_.learners;
  }
  /// Where the events end that a model learns from which counts: [users], 0 for those who are not learned from. Those
  /// that validate are counted as well when they are asked for.
  std::vector<Index> counted_ends(bool with_validation) const {
    std::vector<Index> out = with_validation ? split_.validation_end : split_.train_end;
    for (std::size_t u = 0; u < out.size(); ++u) {
      if (!learns(static_cast<Index>(u))) out[u] = 0;
    }
    return out;
  }
  /// How often each item occurs in what is learned from.
  std::vector<Index> item_counts() const {
    std::vector<Index> out(static_cast<std::size_t>(log_->num_items()));
    const auto ends = counted_ends(false);
    for (Index u = 0; u < log_->num_users(); ++u) {
      for (const std::int32_t item : history(*log_, u, ends[static_cast<std::size_t>(u)]).items) {
        ++out[static_cast<std::size_t>(item)];
      }
    }
    return out;
  }
  /// Some user has events to validate with.
  bool validates() const { return split_.validation_end != split_.train_end; }

 private:
  const data::Interactions* log_;
  TaskOptions options_;
  data::Split split_;
  std::vector<data::Example> examples_;
};

/// Trains `model` on the task and leaves it with the weights of the epoch of the best validation NDCG@k. Where nobody
/// has events to validate with, the figure is minus the training loss. `hooks.fill` and `hooks.validate` are the
/// task's, unless given. Errors as `train`.
template <Recommender Model>
TrainReport fit(Model& model, const Task& task, const TrainOptions& options, TrainHooks hooks = {}) {
  BatchRanker<Model> ranker(model, {.max_length = task.options().max_length, .executor = options.executor});
  if constexpr (requires { model.set_item_counts(task.item_counts()); }) model.set_item_counts(task.item_counts());
  double loss = 0;
  if (!hooks.fill) {
    hooks.fill = [&](data::Batch& batch, std::span<const data::Example> examples, Random random) {
      task.fill(batch, examples, random);
    };
  }
  if (!hooks.validate) {
    hooks.validate = [&] {
      if (!task.validates()) return -loss;
      return ranker.evaluate(task.log(), task.split(), task.evaluation(HeldOut::validation)).all.mean().ndcg;
    };
  }
  hooks.on_step = [&, then = std::move(hooks.on_step)](const TrainProgress& progress) {
    loss = progress.loss;
    return !then || then(progress);
  };
  std::vector<data::Example> examples(task.examples().begin(), task.examples().end());
  const Index seen = seen_length(model, task.options().max_length);
  for (data::Example& example : examples) example.begin = data::history_begin(example.end, seen);
  return train(model, examples, hooks, options);
}

}  // namespace heed::inline HEED_ABI::recsys
