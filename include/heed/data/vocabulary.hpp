// SPDX-License-Identifier: Apache-2.0
// The texts that identify users, items and kinds in a log, and their dense ids.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/siphash.hpp"

namespace heed::inline HEED_ABI::data {

/// The dense id of an item, user or kind of event: its index in the order in which a Vocabulary first saw the texts.
using Id = std::int32_t;

/// Maps the texts that identify items, users or kinds of event in a file to ids 0, 1, 2, ... in order of first
/// appearance. A text may have a display name.
///
/// All texts are stored in one string, indexed by an open-addressing table of ids, and all names in another: there is
/// no allocation per text, a vocabulary is copyable, and a look-up does not copy the text. The hash has a secret key,
/// drawn for each vocabulary, so that nobody can write a file whose texts collide; no result depends on it.
class Vocabulary {
 public:
  /// Returned by `find` for a text without an id.
  static constexpr Id unknown = -1;

  Index size() const { return static_cast<Index>(ends_.size()); }

  /// Allocates what `texts` texts of `bytes` bytes in total require.
  void reserve(Index texts, std::size_t bytes) {
    text_.reserve(bytes);
    ends_.reserve(static_cast<std::size_t>(texts));
    const std::size_t slots = std::bit_ceil(2 * static_cast<std::size_t>(texts));
    if (slots > slots_.size()) resize_slots(slots);
  }

  /// Returns the id of `text`, adding it if it is new. Throws IndexError beyond 2^31 - 1 texts.
  Id add(std::string_view text) {
    grow(1);
    return add(text, hash(text));
  }

  /// Adds `texts` in order and writes their ids to `ids` [texts.size()]. Faster than one by one: a large vocabulary is
  /// not in the cache, and the look-ups of up to 64 texts wait for the memory together. The texts must not be views
  /// of this vocabulary. Errors as `add`, which leave the texts before; ShapeError for another number of ids.
  void add(std::span<const std::string_view> texts, std::span<Id> ids) {
    if (texts.size() != ids.size()) fail<ShapeError>("vocabulary", texts.size(), " texts for ", ids.size(), " ids");
    constexpr std::size_t block = 64;
    std::array<std::size_t, block> hashes;
    for (std::size_t begin = 0; begin < texts.size(); begin += block) {
      const auto part = texts.subspan(begin, std::min(block, texts.size() - begin));
      grow(part.size());
      const std::size_t mask = slots_.size() - 1;
      for (std::size_t i = 0; i < part.size(); ++i) {
        hashes[i] = hash(part[i]);
        __builtin_prefetch(&slots_[hashes[i] & mask]);
      }
      std::array<Id, block> likely;  // ids
      for (std::size_t i = 0; i < part.size(); ++i) {
        likely[i] = id_in(slots_[likely_slot(hashes[i], hashes[i] & mask)]);
        if (likely[i] != unknown) __builtin_prefetch(&ends_[static_cast<std::size_t>(likely[i])]);
      }
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (likely[i] != unknown) __builtin_prefetch(text_at(static_cast<std::size_t>(likely[i])).data());
      }
      for (std::size_t i = 0; i < part.size(); ++i) ids[begin + i] = add(part[i], hashes[i]);
    }
  }

  /// Returns the id of `text`, or `unknown`.
  Id find(std::string_view text) const { return slots_.empty() ? unknown : id_in(slots_[slot_of(text, hash(text))]); }

  /// Returns the text of `id`; valid until the next `add`. Throws IndexError outside [0, size).
  std::string_view text(Id id) const {
    check(id);
    return text_at(static_cast<std::size_t>(id));
  }

  /// Returns the display name of `id`, or its text if none was set. Valid until the next `add` or `set_name`.
  std::string_view name(Id id) const {
    if (!has_name(id)) return text(id);
    const Range& range = names_[static_cast<std::size_t>(id)];
    return std::string_view(name_text_).substr(range.begin, range.size);
  }

  /// Returns whether a display name other than the text was set.
  bool has_name(Id id) const {
    check(id);
    const auto at = static_cast<std::size_t>(id);
    return at < names_.size() && names_[at].size > 0;
  }

  /// A name that `id` had before keeps its memory.
  void set_name(Id id, std::string_view name) {
    check(id);
    const auto at = static_cast<std::size_t>(id);
    if (name == text_at(at)) name = {};
    if (names_.size() <= at && name.empty()) return;
    if (names_.size() < ends_.size()) names_.resize(ends_.size());
    const Range range{name_text_.size(), name.size()};
    name_text_.append(name);
    names_[at] = range;
  }

  /// Returns the largest number of slots that a look-up of a stored text examines. Time: linear in the texts.
  Index longest_probe() const {
    std::size_t longest = 0;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot] == 0) continue;
      const std::size_t first = hash(text_at(static_cast<std::size_t>(id_in(slots_[slot]))));
      longest = std::max(longest, ((slot - first) & (slots_.size() - 1)) + 1);
    }
    return static_cast<Index>(longest);
  }

 private:
  void check(Id id) const {
    if (id < 0 || id >= size()) {
      fail<IndexError>("vocabulary", "id ", id, " of a vocabulary of ", size());
    }
  }
  std::string_view text_at(std::size_t at) const {
    const std::size_t begin = at == 0 ? 0 : ends_[at - 1];
    return std::string_view(text_).substr(begin, ends_[at] - begin);
  }
  std::size_t hash(std::string_view text) const { return heed::detail::siphash(text, key_); }
  /// Makes slots for `more` texts: the table is at most half full.
  void grow(std::size_t more) {
    const std::size_t wanted = 2 * (ends_.size() + more);
    if (slots_.size() < wanted) resize_slots(std::max<std::size_t>(16, std::bit_ceil(wanted)));
  }
  /// As `add`, when there are slots for one more text.
  Id add(std::string_view text, std::size_t hash) {
    const std::size_t slot = slot_of(text, hash);
    if (slots_[slot] != 0) return id_in(slots_[slot]);
    if (size() == std::numeric_limits<Id>::max()) fail<IndexError>("vocabulary", "more than 2^31 - 1 ids");
    const auto id = static_cast<Id>(ends_.size());
    text_.resize(ends_.empty() ? 0 : ends_.back());  // drops a text whose end could not be stored
    text_.append(text);
    ends_.push_back(text_.size());
    slots_[slot] = tag(hash) | (static_cast<std::uint32_t>(id) + 1);
    return id;
  }
  /// Returns the slot of `text`, or the free slot to insert it at.
  std::size_t slot_of(std::string_view text, std::size_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = likely_slot(hash, hash & mask);
    while (slots_[slot] != 0 && text_at(static_cast<std::size_t>(id_in(slots_[slot]))) != text) {
      slot = likely_slot(hash, (slot + 1) & mask);
    }
    return slot;
  }
  /// Returns the first slot from `slot` on that is free or has the tag of `hash`.
  std::size_t likely_slot(std::size_t hash, std::size_t slot) const {
    const std::size_t mask = slots_.size() - 1;
    const std::uint32_t wanted = tag(hash);
    while (slots_[slot] != 0 && (slots_[slot] & ~static_cast<std::uint32_t>(mask)) != wanted) slot = (slot + 1) & mask;
    return slot;
  }
  /// The bits of a hash that a slot holds, above those of an id.
  std::uint32_t tag(std::size_t hash) const {
    return static_cast<std::uint32_t>(hash >> 32) & ~static_cast<std::uint32_t>(slots_.size() - 1);
  }
  /// Returns the id in a slot, or `unknown`.
  Id id_in(std::uint32_t slot) const {
    return static_cast<Id>(slot & static_cast<std::uint32_t>(slots_.size() - 1)) - 1;
  }
  void resize_slots(std::size_t size) {
    if (slots_.empty()) {
      if (::getentropy(key_.data(), sizeof(key_)) != 0) fail("vocabulary", "the system gives no random key");
    }
    slots_.assign(size, 0);
    for (std::size_t i = 0; i < ends_.size(); ++i) {
      const std::size_t at = hash(text_at(i));
      slots_[slot_of(text_at(i), at)] = tag(at) | static_cast<std::uint32_t>(i + 1);
    }
  }

  struct Range {
    std::size_t begin = 0, size = 0;
  };

  std::string text_;               // all texts, concatenated
  std::vector<std::size_t> ends_;  // end of each text in text_
  // The hash table: a power of two of slots, at most half of them taken; 0 is a free one. The lower bits, as many as a
  // place in the table has, are an id plus 1; the others are bits of the text's hash, so that other texts are rarely
  // read.
  std::vector<std::uint32_t> slots_;
  heed::detail::SipKey key_{};  // drawn with the first slots
  std::string name_text_;       // all names, concatenated
  std::vector<Range> names_;    // empty until a name is set; places in name_text_, empty where the text is the name
};

/// Returns the id in `to` of every text of `from` ([from.size()]); `unknown` for a text that is not in `to`.
inline std::vector<Id> renumbering(const Vocabulary& from, const Vocabulary& to) {
  std::vector<Id> ids(static_cast<std::size_t>(from.size()));
  for (Id i = 0; i < from.size(); ++i) ids[static_cast<std::size_t>(i)] = to.find(from.text(i));
  return ids;
}

/// Returns the texts of `old`, which keep their ids, followed by the new texts of `more` in order. Names in `more` take
/// precedence.
inline Vocabulary joined(const Vocabulary& old, const Vocabulary& more) {
  Vocabulary out = old;
  for (Id i = 0; i < more.size(); ++i) {
    const Id id = out.add(more.text(i));
    if (more.name(i) != more.text(i)) out.set_name(id, more.name(i));
  }
  return out;
}

/// Returns the texts whose ids `keep(id)` accepts, in order, with their names.
template <std::predicate<Id> Keep>
Vocabulary selected(const Vocabulary& all, Keep keep) {
  Vocabulary out;
  for (Id i = 0; i < all.size(); ++i) {
    if (!keep(i)) continue;
    const Id id = out.add(all.text(i));
    if (all.name(i) != all.text(i)) out.set_name(id, all.name(i));
  }
  return out;
}

/// Returns the rank of each id (0-based, [size]) in the order of texts: whole numbers first, by value, then other
/// texts, by bytes. It does not depend on the order of a file's lines, so rankings can break ties by it.
inline std::vector<std::int32_t> places_by_text(const Vocabulary& vocabulary) {
  struct Key {
    std::size_t digits;  // number of digits of a whole number without leading zeros; the maximum for any other text
    std::string_view text;
    Id id;
  };
  std::vector<Key> keys;
  for (Id i = 0; i < vocabulary.size(); ++i) {
    std::string_view text = vocabulary.text(i);
    const bool whole = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    if (whole) text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
    keys.push_back({whole ? text.size() : std::string_view::npos, text, i});
  }
  // "7" and "007" have equal values: the one with the smaller id is first.
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return std::tie(a.digits, a.text, a.id) < std::tie(b.digits, b.text, b.id);
  });
  std::vector<std::int32_t> places(keys.size());
  std::int32_t place = 0;
  for (const Key& key : keys) places[static_cast<std::size_t>(key.id)] = place++;
  return places;
}

}  // namespace heed::inline HEED_ABI::data
