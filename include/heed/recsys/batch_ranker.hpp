// SPDX-License-Identifier: Apache-2.0
// Ranks items for many histories with a neural model, in batches.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/recsys/ranker.hpp"
#include "heed/recsys/recommender.hpp"
#include "heed/recsys/top_items.hpp"

namespace heed::inline HEED_ABI::recsys {

struct BatchRankerOptions {
  Index batch_size = 64;   ///< histories scored per batch
  Index max_length = 300;  ///< maximum number of events that the model sees; limited by its own maximum
  Executor* executor = nullptr;

  void fields(auto&& visitor) { visitor("batch_size", batch_size, "max_length", max_length, "executor", executor); }
};

/// The ranker of a model with `num_items()` and `score(tape, batch, scores)`: by score, then by smaller id. The model
/// must outlive it; memory is kept between calls. A list does not depend on the other histories of its batch. Throws
/// Error if a score is not finite, naming the weight that is not.
template <class Model>
class BatchRanker {
 public:
  using Scalar = typename Model::scalar_type;

  explicit BatchRanker(const Model& model, const BatchRankerOptions& options = {})
      : model_(&model), options_(options), tape_({.record = false, .executor = options.executor}) {
    if (options.batch_size <= 0 || options.max_length < 0) {
      fail<OptionError>("BatchRanker", "batch_size ", options.batch_size, ", max_length ", options.max_length);
    }
    options_.max_length = seen_length(model, options.max_length);
  }
  explicit BatchRanker(const Model&&, const BatchRankerOptions& = {}) = delete;

  std::vector<std::vector<data::Id>> operator()(std::span<const data::History> histories, const RankOptions& options) {
    std::vector<std::vector<data::Id>> out;
    out.reserve(histories.size());
    while (out.size() < histories.size()) {
      const auto rest = histories.subspan(out.size());
      const auto part = rest.first(std::min(rest.size(), static_cast<std::size_t>(options_.batch_size)));
      batch_.assign_histories(part, options_.max_length);
      tape_.clear();
      const TensorView<Scalar> scores = tape_.allocate({std::ssize(part), model_->num_items()});
      model_->score(tape_, batch_, scores);
      for (std::size_t b = 0; b < part.size(); ++b) {
        const std::span<const Scalar> row(scores.row(static_cast<Index>(b)), static_cast<std::size_t>(scores.cols()));
        const auto seen = options.keep_history ? std::vector<data::Id>{} : data::distinct(part[b].items);
        top_items("BatchRanker", *model_, row, options.k, std::span(seen), best_);
        auto& list = out.emplace_back(best_.size());
        std::transform(best_.begin(), best_.end(), list.begin(), [](const auto& one) { return one.item; });
      }
    }
    return out;
  }

  /// Returns the number of bytes used for the values and scratch buffers of the largest batch so far.
  std::size_t capacity() const { return tape_.capacity(); }

 private:
  const Model* model_;
  BatchRankerOptions options_;
  Tape<Scalar> tape_;
  data::Batch batch_;
  std::vector<ScoredItem<Scalar>> best_;
};

}  // namespace heed::inline HEED_ABI::recsys
