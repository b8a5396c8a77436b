// SPDX-License-Identifier: Apache-2.0
// Numbers that identify logs and other data: a checkpoint of a training on another log is refused.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "heed/data/interactions.hpp"

namespace heed::inline HEED_ABI::data {

/// A hash of bytes, 8 at a time. Both steps of `word` are one-to-one in the state, so that inputs of equal length that
/// differ in one word never collide. The same on every little-endian machine and in every version. Not for untrusted
/// keys.
class Fingerprint {
 public:
  void word(std::uint64_t word) { state_ = std::rotl((state_ ^ word) * 0x9e3779b97f4a7c15u, 29); }
  void text(std::string_view bytes) {
    word(bytes.size());
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(8, bytes.size()))) {
      std::uint64_t next = 0;
      std::memcpy(&next, bytes.data(), std::min<std::size_t>(8, bytes.size()));
      word(next);
    }
  }
  template <class T>
  void column(std::span<const T> values) {
    text({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  void texts(const Vocabulary& vocabulary) {
    word(static_cast<std::uint64_t>(vocabulary.size()));
    for (Id id = 0; id < vocabulary.size(); ++id) text(vocabulary.text(id));
  }
  std::uint64_t value() const {
    std::uint64_t mixed = (state_ ^ (state_ >> 32)) * 0xd6e8feb86659fd93u;
    return mixed ^ (mixed >> 32);
  }

 private:
  std::uint64_t state_ = 0x243f6a8885a308d3u;
};

/// Returns a hash of all events (users, items, times and their unit and so baskets, ratings, kinds), of the texts of
/// users, items and kinds in the order of their ids, and of the items' features. Display names have no influence.
inline std::uint64_t fingerprint(const Interactions& log) {
  Fingerprint hash;
  hash.column(std::span<const Index>(log.offsets));
  hash.column(std::span<const Id>(log.items));
  hash.column(std::span<const std::int64_t>(log.times));
  hash.column(std::span<const float>(log.ratings));
  hash.column(std::span<const Id>(log.kinds));
  hash.texts(log.users);
  hash.texts(log.catalogue.items);
  hash.texts(log.catalogue.kinds);
  hash.column(std::span<const Id>(log.catalogue.features.values));
  hash.texts(log.catalogue.features.names);
  // As before logs had a unit: times in seconds.
  if (log.time_unit != TimeUnit{}) hash.word(static_cast<std::uint64_t>(log.time_unit.decimals));
  return hash.value();
}

}  // namespace heed::inline HEED_ABI::data
