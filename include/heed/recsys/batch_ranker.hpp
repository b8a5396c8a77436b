// SPDX-License-Identifier: Apache-2.0
// Rankings of a neural model for many histories at once, and its evaluation: batches in, lists out in the users' order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/kernels/top_k.hpp"
#include "heed/recsys/evaluate.hpp"
#include "heed/recsys/history.hpp"

namespace heed::inline HEED_ABI::recsys {

struct BatchRankerOptions {
  Index batch_size = 64;   ///< histories scored at a time
  Index max_length = 300;  ///< events of a history that the model sees, if it can see so many
  Executor* executor = nullptr;

  void fields(auto&& visitor) { visitor("batch_size", batch_size, "max_length", max_length, "executor", executor); }
};

/// Asks a model that has `num_items()` and `score(tape, batch, scores)` for the best items after each history. The
/// model must outlive this; memory is kept from call to call. A list does not depend on the batch it was made in.
template <class Model>
class BatchRanker {
 public:
  using Scalar = typename Model::scalar_type;

  explicit BatchRanker(const Model& model, const BatchRankerOptions& options = {})
      : model_(model), options_(options), tape_({.record = false, .executor = options.executor}) {
    if (options.batch_size <= 0 || options.max_length < 0) {
      fail<OptionError>("BatchRanker", "batch_size ", options.batch_size, ", max_length ", options.max_length);
    }
    options_.max_length = seen_length(model, options.max_length);
  }

  /// For the first `end` events of each example's user: the k best items by score, then by smaller number. Without
  /// `keep_history`, items of the whole history (not only of the part that the model sees) are left out.
  std::vector<std::vector<std::int32_t>> lists(const data::Interactions& log, std::span<const data::Example> histories,
                                               Index k, bool keep_history) {
    std::vector<std::vector<std::int32_t>> out;
    out.reserve(histories.size());
    const Index n = model_.num_items();
    std::vector<kernels::Ranked<Scalar>> best(static_cast<std::size_t>(std::clamp<Index>(k, 0, n)));
    while (out.size() < histories.size()) {
      const auto rest = histories.subspan(out.size());
      const auto part = rest.first(std::min(rest.size(), static_cast<std::size_t>(options_.batch_size)));
      batch_.assign_histories(log, cut(part));
      tape_.clear();
      const TensorView<Scalar> scores = tape_.allocate({static_cast<Index>(part.size()), n});
      model_.score(tape_, batch_, scores);
      for (std::size_t b = 0; b < part.size(); ++b) {
        seen_.clear();
        if (!keep_history) {
          const auto past = distinct(log.user(part[b].user).first(static_cast<std::size_t>(part[b].end)));
          seen_.assign(past.begin(), past.end());
        }
        const Index found = kernels::top_k<Scalar>(scores.row(static_cast<Index>(b)), n, std::ssize(best), seen_.data(),
                                                   std::ssize(seen_), best.data());
        auto& list = out.emplace_back();
        for (Index i = 0; i < found; ++i) {
          list.push_back(static_cast<std::int32_t>(best[static_cast<std::size_t>(i)].item));
        }
      }
    }
    return out;
  }

  /// As recsys::evaluate, with this model's lists.
  Evaluation evaluate(const data::Interactions& log, const data::Split& split, const EvaluateOptions& options = {}) {
    std::vector<data::Example> histories;
    for_each_held_out(
        log, split, options.held_out, options.keep_history,
        [&](Index u, const History& past, const auto&) { histories.push_back({.user = u, .end = past.size()}); });
    const auto all = lists(log, histories, options.list_length(), options.keep_history);
    auto next = all.begin();
    return recsys::evaluate(
        log, split, [&](const History&, Index) { return *next++; }, options);
  }

  /// Bytes that values and scratch of the largest batch so far take.
  std::size_t capacity() const { return tape_.capacity(); }

 private:
  std::span<const data::Example> cut(std::span<const data::Example> histories) {
    cut_.assign(histories.begin(), histories.end());
    for (data::Example& example : cut_) example.begin = data::history_begin(example.end, options_.max_length);
    return cut_;
  }

  const Model& model_;
  BatchRankerOptions options_;
  Tape<Scalar> tape_;
  data::Batch batch_;
  std::vector<data::Example> cut_;
  std::vector<Index> seen_;
};

}  // namespace heed::inline HEED_ABI::recsys
