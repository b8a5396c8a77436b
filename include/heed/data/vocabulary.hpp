// SPDX-License-Identifier: Apache-2.0
// The ids of a log (customers, products) and the small dense numbers that stand for them.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI::data {

/// Ids of any kind, kept as text, numbered 0, 1, 2, ... in order of first appearance. An id may have a name to show.
///
/// All ids lie in one string beside an open-addressing table of numbers: no allocation an id, copyable, and a look-up
/// copies nothing.
class Vocabulary {
 public:
  /// What `find` answers for an id it has never seen.
  static constexpr std::int32_t unknown = -1;

  Index size() const { return static_cast<Index>(ends_.size()); }

  /// The number of `id`, a new one when it is new. Throws IndexError beyond 2^31 - 1 ids.
  std::int32_t add(std::string_view id) {
    if (slots_.size() < 2 * (ends_.size() + 1)) grow();
    const std::size_t slot = slot_of(id);
    if (slots_[slot] != unknown) return slots_[slot];
    if (size() == std::numeric_limits<std::int32_t>::max()) fail<IndexError>("vocabulary", "more than 2^31 - 1 ids");
    const auto index = static_cast<std::int32_t>(ends_.size());
    text_.append(id);
    ends_.push_back(text_.size());
    slots_[slot] = index;
    return index;
  }

  /// The number of `id`, or `unknown`.
  std::int32_t find(std::string_view id) const { return slots_.empty() ? unknown : slots_[slot_of(id)]; }

  /// The id that `index` stands for; valid until the next `add`. Throws IndexError outside [0, size).
  std::string_view id(std::int32_t index) const {
    check(index);
    return text_at(static_cast<std::size_t>(index));
  }

  /// The name to show for `index`: its id where it was given none. Valid until the next `add` or `set_name`.
  std::string_view name(std::int32_t index) const {
    check(index);
    const auto at = static_cast<std::size_t>(index);
    return at < names_.size() && !names_[at].empty() ? std::string_view(names_[at]) : text_at(at);
  }

  void set_name(std::int32_t index, std::string_view name) {
    check(index);
    if (names_.size() < ends_.size()) names_.resize(ends_.size());
    names_[static_cast<std::size_t>(index)] = name;
  }

 private:
  void check(std::int32_t index) const {
    if (index < 0 || index >= size()) {
      fail<IndexError>("vocabulary", "index ", index, " of a vocabulary of ", size(), " ids");
    }
  }
  std::string_view text_at(std::size_t at) const {
    const std::size_t begin = at == 0 ? 0 : ends_[at - 1];
    return std::string_view(text_).substr(begin, ends_[at] - begin);
  }
  /// The slot that holds `id`, or the free one where it would go. The table is never more than half full.
  std::size_t slot_of(std::string_view id) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = std::hash<std::string_view>{}(id)&mask;
    while (slots_[slot] != unknown && text_at(static_cast<std::size_t>(slots_[slot])) != id) slot = (slot + 1) & mask;
    return slot;
  }
  void grow() {
    slots_.assign(slots_.empty() ? 16 : 2 * slots_.size(), unknown);
    for (std::size_t i = 0; i < ends_.size(); ++i) slots_[slot_of(text_at(i))] = static_cast<std::int32_t>(i);
  }

  std::string text_;                 // all ids, end to end
  std::vector<std::size_t> ends_;    // where each id ends in text_
  std::vector<std::int32_t> slots_;  // the hash table: a power of two of numbers, `unknown` where free
  std::vector<std::string> names_;   // empty until a name is given
};

/// The number in `to` of every id of `from` ([from.size()]); `unknown` for an id that `to` lacks.
inline std::vector<std::int32_t> renumbering(const Vocabulary& from, const Vocabulary& to) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(from.size()));
  for (std::int32_t i = 0; i < from.size(); ++i) numbers[static_cast<std::size_t>(i)] = to.find(from.id(i));
  return numbers;
}

/// The ids of `old`, which keep their numbers, and behind them those of `more` that are new, in their order. Names are
/// `more`'s where it has them.
inline Vocabulary joined(const Vocabulary& old, const Vocabulary& more) {
  Vocabulary out = old;
  for (std::int32_t i = 0; i < more.size(); ++i) {
    const std::int32_t index = out.add(more.id(i));
    if (more.name(i) != more.id(i)) out.set_name(index, more.name(i));
  }
  return out;
}

/// The ids of `all` whose numbers `keep(number)` accepts, in their order, with their names.
template <std::predicate<std::int32_t> Keep>
Vocabulary selected(const Vocabulary& all, Keep keep) {
  Vocabulary out;
  for (std::int32_t i = 0; i < all.size(); ++i) {
    if (!keep(i)) continue;
    const std::int32_t index = out.add(all.id(i));
    if (all.name(i) != all.id(i)) out.set_name(index, all.name(i));
  }
  return out;
}

/// Each id's place (0-based, [size]) in the order of ids: whole numbers first, by value, then other texts, by bytes.
/// It does not depend on the order of a file's lines, so rankings may end their ties with it.
inline std::vector<std::int32_t> places_by_id(const Vocabulary& vocabulary) {
  struct Key {
    std::size_t digits;  // of a whole number without leading zeros; the largest value for any other text
    std::string_view text;
    std::int32_t index;
  };
  std::vector<Key> keys;
  for (std::int32_t i = 0; i < vocabulary.size(); ++i) {
    const std::string_view id = vocabulary.id(i);
    const bool whole = !id.empty() && id.find_first_not_of("0123456789") == std::string_view::npos;
    const std::string_view text = whole ? id.substr(std::min(id.find_first_not_of('0'), id.size())) : id;
    keys.push_back({whole ? text.size() : std::string_view::npos, text, i});
  }
  // "7" and "007" are of equal value: the one that appeared first goes first.
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return std::tie(a.digits, a.text, a.index) < std::tie(b.digits, b.text, b.index);
  });
  std::vector<std::int32_t> places(keys.size());
  std::int32_t place = 0;
  for (const Key& key : keys) places[static_cast<std::size_t>(key.index)] = place++;
  return places;
}

}  // namespace heed::inline HEED_ABI::data
