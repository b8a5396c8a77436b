// SPDX-License-Identifier: Apache-2.0
// The log: which user took which item at what time. Splits, examples and histories are index ranges or views of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/data/catalogue.hpp"
#include "heed/data/history.hpp"
#include "heed/data/time.hpp"
#include "heed/data/vocabulary.hpp"

namespace heed::inline HEED_ABI::data {

/// All events of all users, grouped by user: user u owns events offsets[u] .. offsets[u + 1], ordered by time; events
/// of equal time keep the order of the log. 4 bytes per event, 8 more with times, 4 more each with ratings and kinds.
struct Interactions {
  std::vector<Index> offsets = {0};  ///< [users + 1]
  std::vector<Id> items;             ///< [events] ids in catalogue.items
  std::vector<std::int64_t> times;   ///< [events], or empty when unknown
  TimeUnit time_unit{};              ///< of `times`
  std::vector<float> ratings;        ///< [events], or empty when unknown
  std::vector<Id> kinds;             ///< [events] ids in catalogue.kinds, or empty when unknown
  Vocabulary users;
  Catalogue catalogue;

  Index num_users() const { return static_cast<Index>(offsets.size()) - 1; }
  Index num_items() const { return catalogue.num_items(); }
  /// The number of events.
  Index size() const { return static_cast<Index>(items.size()); }
  /// The number of events of user `u`.
  Index length(Id u) const { return offsets[static_cast<std::size_t>(u) + 1] - offsets[static_cast<std::size_t>(u)]; }
  /// Returns the id of an item by its text. Throws IndexError for an unknown text.
  Id item(std::string_view text) const { return catalogue.item(text); }

  /// Returns the events of user `u`, a view of this log.
  History user(Id u) const& {
    return {
        .user = u, .items = part(items, u), .times = part(times, u), .kinds = part(kinds, u), .time_unit = time_unit};
  }
  /// Returns the ratings of user `u`'s events; empty when unknown.
  std::span<const float> user_ratings(Id u) const& { return part(ratings, u); }
  History user(Id u) const&& = delete;
  std::span<const float> user_ratings(Id u) const&& = delete;

  /// Returns the boundaries of user `u`'s baskets among the user's own events: 0, ..., length(u). Basket b holds events
  /// [b] .. [b + 1], so the number of boundaries is the number of baskets plus one.
  std::vector<Index> baskets(Id u) const {
    const auto of_user = part(times, u);
    std::vector<Index> boundaries = {0};
    while (boundaries.back() < length(u)) boundaries.push_back(basket_end(of_user, length(u), boundaries.back()));
    return boundaries;
  }

 private:
  template <class T>
  std::span<const T> part(const std::vector<T>& column, Id u) const {
    if (column.empty()) return {};
    return std::span(column).subspan(static_cast<std::size_t>(offsets[static_cast<std::size_t>(u)]),
                                     static_cast<std::size_t>(length(u)));
  }
};

/// Counts the occurrences of each item ([items]) in the first `ends[u]` events of every user u. Throws ShapeError when
/// `ends` does not have one entry per user.
inline std::vector<Index> item_counts(const Interactions& log, std::span<const Index> ends) {
  if (std::ssize(ends) != log.num_users()) {
    fail<ShapeError>("item_counts", "wanted ", log.num_users(), " ends, got ", ends.size());
  }
  std::vector<Index> counts(static_cast<std::size_t>(log.num_items()));
  for (Id u = 0; u < log.num_users(); ++u) {
    for (const Id item : log.user(u).first(ends[static_cast<std::size_t>(u)]).items) {
      ++counts[static_cast<std::size_t>(item)];
    }
  }
  return counts;
}

/// The optional columns that a log has.
struct InteractionFields {
  bool times = false;
  bool ratings = false;
  bool kinds = false;
};

/// Collects events in any order and builds Interactions from them. Duplicates are kept. After an exception other than
/// the OptionError of `add` the builder must not be used.
class InteractionsBuilder {
 public:
  /// `time_unit` is the unit of times that are whole numbers. Without it, it is found from the largest one: from 10^11
  /// on they are milliseconds, from 10^14 on microseconds, from 10^17 on nanoseconds (as of 1973), else seconds.
  explicit InteractionsBuilder(InteractionFields fields, std::optional<TimeUnit> time_unit = {})
      : fields_(fields), time_unit_(time_unit) {}

  Index size() const { return static_cast<Index>(user_of_.size() + pending_.size()); }

  /// Adds one event. `time`, `rating` and `kind` are stored if the log has these fields. Throws OptionError for a time
  /// of a scale that is not 0 to 18.
  void add(std::string_view user, std::string_view item, const DecimalTime& time = {}, float rating = 0,
           std::string_view kind = {}) {
    if (fields_.times) times_.add(time);  // first: it checks
    if (pending_.size() == block || texts_.size() >= longest_texts) look_up();
    const std::size_t begin = texts_.size();
    texts_.append(user).append(item);
    pending_.push_back({begin, begin + user.size(), texts_.size()});
    if (fields_.ratings) ratings_.push_back(rating);
    if (fields_.kinds) kinds_.push_back(out_.catalogue.kinds.add(kind));
  }

  /// Names the item of the last event, unless it has a name. Call it at most once per event.
  void name_item(std::string_view name) { texts_.append(name); }

  /// Returns the log, sorted; the builder must not be used afterwards. The log's unit has the decimals that the
  /// fractions of the times need, as far as 64 bits hold them. Throws OptionError when some times are dates and others
  /// numbers, or when they are dates and there is a `time_unit`.
  Interactions build(TimeReport* report = nullptr) && {
    look_up();
    TimeReport local;
    std::vector<std::int64_t> times = times_.settle(time_unit_, out_.time_unit, report != nullptr ? *report : local);
    out_.offsets.assign(static_cast<std::size_t>(out_.users.size()) + 1, 0);
    for (const Id u : user_of_) ++out_.offsets[static_cast<std::size_t>(u) + 1];
    std::partial_sum(out_.offsets.begin(), out_.offsets.end(), out_.offsets.begin());
    place(items_, out_.items);
    place(times, out_.times);
    place(ratings_, out_.ratings);
    place(kinds_, out_.kinds);
    for (Id u = 0; fields_.times && u < out_.num_users(); ++u) sort_by_time(u);
    return std::move(out_);
  }

 private:
  static constexpr std::size_t block = 64, longest_texts = 1 << 16;

  /// An event whose user and item are not looked up yet: where its texts begin in `texts_`, one behind the other.
  struct Pending {
    std::size_t user, item, name;
  };

  /// Looks up the pending events together (see Vocabulary::add).
  void look_up() {
    std::array<std::string_view, block> texts;
    const auto events = pending_.size();
    const auto add = [&](auto text, Vocabulary& vocabulary, std::vector<Id>& to) {
      for (std::size_t e = 0; e < events; ++e) texts[e] = text(e);
      to.resize(to.size() + events);
      vocabulary.add(std::span(texts).first(events), std::span(to).last(events));
    };
    const auto between = [&](std::size_t begin, std::size_t end) {
      return std::string_view(texts_).substr(begin, end - begin);
    };
    add([&](std::size_t e) { return between(pending_[e].user, pending_[e].item); }, out_.users, user_of_);
    add([&](std::size_t e) { return between(pending_[e].item, pending_[e].name); }, out_.catalogue.items, items_);
    for (std::size_t e = 0; e < events; ++e) {
      const auto name = between(pending_[e].name, e + 1 < events ? pending_[e + 1].user : texts_.size());
      const Id item = items_[items_.size() - events + e];
      if (!name.empty() && !out_.catalogue.items.has_name(item)) out_.catalogue.items.set_name(item, name);
    }
    pending_.clear(), texts_.clear();
  }

  /// Reorders a column from file order to user order, stably within a user.
  template <class T>
  void place(std::vector<T>& from, std::vector<T>& to) const {
    to.resize(from.size());
    std::vector<Index> next(out_.offsets.begin(), out_.offsets.end() - 1);
    const auto next_of = [&](std::size_t e) -> Index& { return next[static_cast<std::size_t>(user_of_[e])]; };
    // The users of a large log are in no order and in no cache: prefetching halves the time.
    constexpr std::size_t ahead = 16;
    for (std::size_t e = 0; e < from.size(); ++e) {
      if (e + 2 * ahead < from.size()) {
        __builtin_prefetch(&next_of(e + 2 * ahead), 1);
        __builtin_prefetch(to.data() + next_of(e + ahead), 1);
      }
      to[static_cast<std::size_t>(next_of(e)++)] = from[e];
    }
    std::vector<T>().swap(from);  // unlike `from = {}`, frees the memory: a large log is not held twice
  }

  void sort_by_time(Id u) {
    const auto begin = static_cast<std::size_t>(out_.offsets[static_cast<std::size_t>(u)]);
    const auto times = std::span(out_.times).subspan(begin, static_cast<std::size_t>(out_.length(u)));
    if (std::is_sorted(times.begin(), times.end())) return;
    std::vector<std::size_t> order(times.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return times[a] < times[b]; });
    reorder(out_.items, begin, order);
    reorder(out_.ratings, begin, order);
    reorder(out_.kinds, begin, order);
    reorder(out_.times, begin, order);  // last: the comparison above reads the times
  }

  template <class T>
  static void reorder(std::vector<T>& column, std::size_t begin, const std::vector<std::size_t>& order) {
    if (column.empty()) return;
    std::vector<T> sorted(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = column[begin + order[i]];
    std::copy(sorted.begin(), sorted.end(), column.begin() + static_cast<std::ptrdiff_t>(begin));
  }

  InteractionFields fields_;
  std::optional<TimeUnit> time_unit_;
  Interactions out_;
  std::vector<Pending> pending_;  // the last events, at most `block`
  std::string texts_;             // of the pending events
  std::vector<Id> user_of_, items_, kinds_;
  detail::TimeColumn times_;
  std::vector<float> ratings_;
};

}  // namespace heed::inline HEED_ABI::data
