// SPDX-License-Identifier: Apache-2.0
// Serving: one user's events as they come in, and what to recommend now.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/kernels/top_k.hpp"
#include "heed/recsys/history.hpp"

namespace heed::inline HEED_ABI::recsys {

struct SessionOptions {
  Index max_length = 300;     ///< events of the history that the model sees, if it can see so many
  bool exclude_seen = false;  ///< never recommend what the user already took
  Executor* executor = nullptr;

  void fields(auto&& visitor) { visitor("max_length", max_length, "exclude_seen", exclude_seen, "executor", executor); }
};

/// A user in front of a trained model. The model must outlive it, may be shared by sessions on other threads, and is
/// not changed. Memory is bounded, and once warm nothing is allocated.
template <class Model>
class Session {
 public:
  using Scalar = typename Model::scalar_type;

  explicit Session(const Model& model, const SessionOptions& options = {})
      : model_(model),
        options_(options),
        tape_({.record = false, .executor = options.executor}),
        scores_({1, model.num_items()}) {
    if (options.max_length < 0) fail<OptionError>("Session", "max_length ", options.max_length);
    options_.max_length = seen_length(model, options.max_length);
    items_.reserve(most_kept());
    times_.reserve(most_kept());
    kinds_.reserve(most_kept());
    if (options.exclude_seen) seen_.reserve(static_cast<std::size_t>(model.num_items()));
  }

  /// The user took `item` at `time`; equal times are one basket. Either all events have a kind or none. Throws
  /// IndexError for an item outside the catalogue and OptionError when time runs backwards.
  void push(Index item, std::int64_t time, Index kind = -1) {
    if (item < 0 || item >= model_.num_items()) {
      fail<IndexError>("Session::push", "item ", item, " of a catalogue of ", model_.num_items());
    }
    if constexpr (requires { model_.options().num_kinds; }) {
      const Index kinds = model_.options().num_kinds;
      if (kinds > 0 && (kind < 0 || kind >= kinds)) fail<IndexError>("Session::push", "kind ", kind, " of ", kinds);
    }
    if (!times_.empty() && time < times_.back()) {
      fail<OptionError>("Session::push", "time ", time, " after time ", times_.back());
    }
    if (!items_.empty() && (kind >= 0) == kinds_.empty()) {
      fail<OptionError>("Session::push", "kind ", kind, " after events with", kinds_.empty() ? "out kinds" : " kinds");
    }
    if (items_.size() == most_kept()) {  // what the model no longer sees goes, half of it at a time
      const auto half = static_cast<std::ptrdiff_t>(most_kept() / 2);
      items_.erase(items_.begin(), items_.begin() + half);
      times_.erase(times_.begin(), times_.begin() + half);
      if (!kinds_.empty()) kinds_.erase(kinds_.begin(), kinds_.begin() + half);
    }
    items_.push_back(static_cast<std::int32_t>(item));
    times_.push_back(time);
    if (kind >= 0) kinds_.push_back(static_cast<std::int32_t>(kind));
    if (!options_.exclude_seen) return;
    const auto at = std::lower_bound(seen_.begin(), seen_.end(), item);
    if (at == seen_.end() || *at != item) seen_.insert(at, item);
  }
  /// Forgets the user.
  void clear() {
    items_.clear();
    times_.clear();
    kinds_.clear();
    seen_.clear();
  }
  /// The latest events, oldest first: at least the `max_length` that the model sees.
  std::span<const std::int32_t> history() const { return items_; }

  /// The k best items by score, then by smaller number; fewer when fewer are left. Valid until the next call.
  std::span<const kernels::Ranked<Scalar>> top_k(Index k) {
    if (k <= 0) fail<OptionError>("Session::top_k", "k ", k, " must be positive");
    batch_.assign_history(items_, times_, options_.max_length, kinds_);
    tape_.clear();
    model_.score(tape_, batch_, scores_.view());
    best_.resize(static_cast<std::size_t>(std::min(k, scores_.size())));
    best_.resize(static_cast<std::size_t>(kernels::top_k<Scalar>(scores_.data(), scores_.size(),
                                                                 static_cast<Index>(best_.size()), seen_.data(),
                                                                 static_cast<Index>(seen_.size()), best_.data())));
    return best_;
  }

 private:
  std::size_t most_kept() const { return 2 * static_cast<std::size_t>(std::max<Index>(options_.max_length, 1)); }

  const Model& model_;
  SessionOptions options_;
  Tape<Scalar> tape_;
  data::Batch batch_;
  Tensor<Scalar> scores_;
  std::vector<std::int32_t> items_;
  std::vector<Index> seen_;  ///< all items ever pushed, ascending; kept when they are excluded
  std::vector<std::int64_t> times_;
  std::vector<std::int32_t> kinds_;  ///< empty when unknown
  std::vector<kernels::Ranked<Scalar>> best_;
};

}  // namespace heed::inline HEED_ABI::recsys
