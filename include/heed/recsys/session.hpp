// SPDX-License-Identifier: Apache-2.0
// Serving: collects the events of one user and recommends items.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/recsys/recommender.hpp"
#include "heed/recsys/top_items.hpp"

namespace heed::inline HEED_ABI::recsys {

struct SessionOptions {
  Index max_length = 300;      ///< maximum number of events that the model sees; limited by its own maximum
  bool exclude_seen = false;   ///< never recommend items that the user has taken
  data::TimeUnit time_unit{};  ///< of the times of events
  Executor* executor = nullptr;

  void fields(auto&& visitor) {
    visitor("max_length", max_length, "exclude_seen", exclude_seen, "time_unit", time_unit, "executor", executor);
  }
};

/// The session of one user with a trained model. The model must outlive it, is not modified, and may be shared with
/// sessions on other threads. Memory is bounded, and a warm session does not allocate.
template <class Model>
class Session {
 public:
  using Scalar = typename Model::scalar_type;

  explicit Session(const Model& model, const SessionOptions& options = {})
      : model_(&model),
        options_(options),
        tape_({.record = false, .executor = options.executor}),
        scores_({1, model.num_items()}) {
    if (options.max_length < 0) fail<OptionError>("Session", "max_length ", options.max_length);
    data::detail::ticks_per_second("Session", options.time_unit);  // checks it
    options_.max_length = seen_length(model, options.max_length);
    // Longer histories grow as events come: max_length may be that of a file, and far above what is pushed.
    const std::size_t reserved = std::min<std::size_t>(most_kept(), 4096);
    past_.time_unit = options.time_unit;
    past_.items.reserve(reserved);
    past_.times.reserve(reserved);
    past_.kinds.reserve(reserved);
    if (options.exclude_seen) seen_.reserve(static_cast<std::size_t>(model.num_items()));
  }
  explicit Session(const Model&&, const SessionOptions& = {}) = delete;

  /// Appends an event at a `time` in seconds, or the options' `time_unit`; equal times form one basket. Either all
  /// events have a kind or none. Throws IndexError for an item outside the catalogue and OptionError when `time` is
  /// less than the last one.
  void push(data::Id item, std::int64_t time, data::Id kind = data::Vocabulary::unknown) {
    auto& [user, items, times, kinds, unit] = past_;
    if (item < 0 || item >= model_->num_items()) {
      fail<IndexError>("Session::push", "item ", item, " of a catalogue of ", model_->num_items());
    }
    if constexpr (requires { model_->options().num_kinds; }) {
      const Index known = model_->options().num_kinds;
      if (known > 0 && (kind < 0 || kind >= known)) fail<IndexError>("Session::push", "kind ", kind, " of ", known);
    }
    if (!times.empty() && time < times.back()) {
      fail<OptionError>("Session::push", "time ", time, " after time ", times.back());
    }
    if (!items.empty() && (kind >= 0) == kinds.empty()) {
      fail<OptionError>("Session::push", "kind ", kind, " after events with", kinds.empty() ? "out kinds" : " kinds");
    }
    if (items.size() == most_kept()) {  // drops half of the events, which the model no longer sees
      const auto half = static_cast<std::ptrdiff_t>(most_kept() / 2);
      items.erase(items.begin(), items.begin() + half);
      times.erase(times.begin(), times.begin() + half);
      if (!kinds.empty()) kinds.erase(kinds.begin(), kinds.begin() + half);
    }
    items.push_back(item);
    times.push_back(time);
    if (kind >= 0) kinds.push_back(kind);
    if (!options_.exclude_seen) return;
    const auto at = std::lower_bound(seen_.begin(), seen_.end(), item);
    if (at == seen_.end() || *at != item) seen_.insert(at, item);
  }
  /// Removes all events.
  void clear() {
    past_.items.clear();
    past_.times.clear();
    past_.kinds.clear();
    seen_.clear();
  }
  /// Returns the latest events: at least the `max_length` that the model sees. Valid until the next push.
  data::History history() const { return past_.history(); }

  /// Returns the k best items by score, then by smaller id; fewer if there are not enough. Valid until the next call.
  /// Throws Error if a score is not finite, naming the weight that is not.
  std::span<const ScoredItem<Scalar>> top_k(Index k) {
    if (k <= 0) fail<OptionError>("Session::top_k", "k ", k, " must be positive");
    batch_.assign_history(past_.history(), options_.max_length);
    tape_.clear();
    model_->score(tape_, batch_, scores_.view());
    top_items("Session::top_k", *model_,
              std::span<const Scalar>(scores_.data(), static_cast<std::size_t>(scores_.size())), k, std::span(seen_),
              best_);
    return best_;
  }

 private:
  std::size_t most_kept() const { return 2 * static_cast<std::size_t>(std::max<Index>(options_.max_length, 1)); }

  const Model* model_;
  SessionOptions options_;
  Tape<Scalar> tape_;
  data::Batch batch_;
  Tensor<Scalar> scores_;
  data::Events past_;
  std::vector<data::Id> seen_;  ///< all items ever pushed, ascending; only with exclude_seen
  std::vector<ScoredItem<Scalar>> best_;
};

}  // namespace heed::inline HEED_ABI::recsys
