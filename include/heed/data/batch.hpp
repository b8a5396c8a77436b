// SPDX-License-Identifier: Apache-2.0
// The input of a training step: histories of some users and their targets, packed without padding.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "heed/core/error.hpp"
#include "heed/core/random.hpp"
#include "heed/core/segments.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/split.hpp"

namespace heed::inline HEED_ABI::data {

/// A training example, as indices into a user's own events: given [begin, end), predict [end, target_end).
struct Example {
  Id user = 0;
  Index begin = 0, end = 0, target_end = 0;
  friend bool operator==(const Example&, const Example&) = default;
};

/// Returns the index of the first of the last `max_length` events before `end`. Throws OptionError when it is negative.
inline Index history_begin(Index end, Index max_length) {
  if (max_length < 0) fail<OptionError>("history_begin", "max_length ", max_length);
  return std::max<Index>(0, end - max_length);
}

/// Returns one example per training basket except each user's first: the basket and the `max_length` events before it.
inline std::vector<Example> next_basket_examples(const Interactions& log, const Split& split, Index max_length) {
  const auto each = [&](auto&& take) {
    for (Id u = 0; u < log.num_users(); ++u) {
      const auto times = log.user(u).times;
      const Index train = split.train_end[static_cast<std::size_t>(u)];
      for (Index begin = train == 0 ? 0 : basket_end(times, train, 0); begin < train;) {
        const Index end = basket_end(times, train, begin);
        take(Example{u, history_begin(begin, max_length), begin, end});
        begin = end;
      }
    }
  };
  std::size_t count = 0;  // possibly as many as events: growing a vector would waste more memory than the log
  each([&](const Example&) { ++count; });
  std::vector<Example> out;
  out.reserve(count);
  each([&](const Example& example) { out.push_back(example); });
  return out;
}

/// Returns one example per user with at least two training events: each of the last `max_length` steps is predicted
/// from the events before it. `end` is the index of the last target, and `target_end` is `end` + 1.
inline std::vector<Example> every_position_examples(const Interactions& log, const Split& split, Index max_length) {
  std::vector<Example> out;
  for (Id u = 0; u < log.num_users(); ++u) {
    const Index train = split.train_end[static_cast<std::size_t>(u)];
    if (train >= 2) out.push_back({u, history_begin(train - 1, max_length), train - 1, train});
  }
  return out;
}

/// Histories and targets of some examples. Refilling a batch reuses its memory.
struct Batch {
  Segments segments;              ///< one per history
  std::vector<Index> items;       ///< [tokens]
  std::vector<Index> kinds;       ///< [tokens], or empty when unknown
  std::vector<double> times;      ///< [tokens] in seconds, or empty when unknown
  std::vector<Index> ages;        ///< [tokens]: number of later baskets in the same history; 0 is the newest basket
  Segments query_segments;        ///< the positions to predict from: the end of each history, or every position
  std::vector<Index> query_rows;  ///< [queries]: the token of each query; -1 for an empty history
  Segments target_segments;       ///< [queries]: one or more target items per query
  std::vector<Index> targets;     ///< [targets]: the items of a target basket are distinct and ascending

  /// Fills the histories only, with one query at the end of each.
  void assign_histories(const Interactions& log, std::span<const Example> examples) {
    clear();
    for (const Example& example : examples) append(log.user(example.user), example.begin, example.end);
    query_ends();
  }

  /// Fills the last `max_length` events of each history, with one query at the end of each. Throws OptionError when
  /// `max_length` < 0, ShapeError when times or kinds differ in length from the items or only some histories have them.
  void assign_histories(std::span<const History> histories, Index max_length) {
    const History* first = nullptr;
    for (const History& history : histories) {
      history.check("assign_histories");
      if (history.empty()) continue;
      if (first == nullptr) first = &history;
      if (history.times.empty() != first->times.empty() || history.kinds.empty() != first->kinds.empty()) {
        fail<ShapeError>("assign_histories", "some histories have times or kinds and others have none");
      }
    }
    history_begin(0, max_length);  // checks it
    clear();
    for (const History& history : histories) {
      append(history, history_begin(history.size(), max_length), history.size());
    }
    query_ends();
  }
  /// The same for one history.
  void assign_history(const History& history, Index max_length) { assign_histories({&history, 1}, max_length); }

  /// Fills one query at the end of each history; its targets are the items of the next basket. The order of the items
  /// inside a basket carries no meaning, so it is shuffled with `random`.
  void assign_next_basket(const Interactions& log, std::span<const Example> examples, Random random) {
    assign_histories(log, examples);
    for (Index b = 0; b < segments.count(); ++b) {
      const Random stream = random.fork(static_cast<std::uint64_t>(b));
      for (Index begin = segments.begin(b), end = begin; begin < segments.end(b); begin = end) {
        while (end < segments.end(b) && ages[static_cast<std::size_t>(end)] == ages[static_cast<std::size_t>(begin)])
          ++end;
        const Random order = stream.fork(static_cast<std::uint64_t>(begin));
        const auto first = static_cast<std::size_t>(begin), n = static_cast<std::size_t>(end - begin);
        order.shuffle(std::span(items).subspan(first, n));
        if (!kinds.empty()) order.shuffle(std::span(kinds).subspan(first, n));  // the same stream: the same order
      }
    }
    lengths_.clear();
    for (const Example& example : examples) {
      const auto events = log.user(example.user).items;
      const std::size_t first = targets.size();
      for (Index i = example.end; i < example.target_end; ++i) targets.push_back(events[static_cast<std::size_t>(i)]);
      const auto from = targets.begin() + static_cast<std::ptrdiff_t>(first);
      std::sort(from, targets.end());
      targets.erase(std::unique(from, targets.end()), targets.end());
      lengths_.push_back(static_cast<Index>(targets.size() - first));
    }
    target_segments.assign(lengths_);
  }

  /// Fills one query at every position; its target is the next event.
  void assign_every_position(const Interactions& log, std::span<const Example> examples) {
    assign_histories(log, examples);
    query_segments = segments;
    query_rows.resize(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) query_rows[i] = static_cast<Index>(i);
    for (const Example& example : examples) {
      const auto events = log.user(example.user).items;
      for (Index i = example.begin; i < example.end; ++i) targets.push_back(events[static_cast<std::size_t>(i) + 1]);
    }
    lengths_.assign(targets.size(), 1);
    target_segments.assign(lengths_);
  }

 private:
  void clear() {
    lengths_.clear();
    items.clear();
    kinds.clear();
    times.clear();
    ages.clear();
    query_rows.clear();
    targets.clear();
    target_segments.assign({});
  }
  void query_ends() {
    segments.assign(lengths_);
    for (Index b = 0; b < segments.count(); ++b) {
      query_rows.push_back(segments.length(b) > 0 ? segments.end(b) - 1 : Index{-1});
    }
    lengths_.assign(lengths_.size(), 1);
    query_segments.assign(lengths_);
  }
  /// Appends the events [begin, end) of a history and converts ids to row indices.
  void append(const History& history, Index begin, Index end) {
    const auto push = [&](auto& column, auto events) {
      if (!events.empty()) column.insert(column.end(), events.begin() + begin, events.begin() + end);
    };
    push(items, history.items);
    for (Index i = begin; !history.times.empty() && i < end; ++i) {
      times.push_back(seconds_of(history.times[static_cast<std::size_t>(i)], history.time_unit));
    }
    push(kinds, history.kinds);
    ages.resize(items.size());
    Index age = -1;
    for (Index i = end; i-- > begin;) {
      const auto event = static_cast<std::size_t>(i);
      if (i + 1 == end || history.times.empty() || history.times[event] != history.times[event + 1]) ++age;
      ages[ages.size() - static_cast<std::size_t>(end - i)] = age;
    }
    lengths_.push_back(end - begin);
  }

  std::vector<Index> lengths_;
};

}  // namespace heed::inline HEED_ABI::data
