// SPDX-License-Identifier: Apache-2.0
// XXH64 with seed 0, the checksum of heed's files (specification: github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::io::detail {

/// The digest of all bytes given to `update`, however they are divided. About 0.7 instructions per byte.
class Xxh64 {
 public:
  void update(std::span<const std::byte> bytes) {
    length_ += bytes.size();
    if (filled_ > 0) {
      const std::size_t taken = std::min(bytes.size(), sizeof(block_) - filled_);
      append(bytes.first(taken));
      bytes = bytes.subspan(taken);
      if (filled_ < sizeof(block_)) return;
      consume(block_);
      filled_ = 0;
    }
    for (; bytes.size() >= sizeof(block_); bytes = bytes.subspan(sizeof(block_))) consume(bytes.data());
    append(bytes);
  }

  std::uint64_t digest() const {
    std::uint64_t hash = p5;
    if (length_ >= sizeof(block_)) {
      hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
      for (const std::uint64_t lane : lanes_) hash = (hash ^ round(0, lane)) * p1 + p4;
    }
    hash += length_;
    const std::byte *at = block_, *end = block_ + filled_;
    for (; end - at >= 8; at += 8) hash = std::rotl(hash ^ round(0, load<std::uint64_t>(at)), 27) * p1 + p4;
    for (; end - at >= 4; at += 4) hash = std::rotl(hash ^ (load<std::uint32_t>(at) * p1), 23) * p2 + p3;
    for (; at < end; ++at) hash = std::rotl(hash ^ (static_cast<std::uint64_t>(*at) * p5), 11) * p1;
    hash = (hash ^ (hash >> 33)) * p2;
    hash = (hash ^ (hash >> 29)) * p3;
    return hash ^ (hash >> 32);
  }

 private:
  static constexpr std::uint64_t p1 = 0x9E3779B185EBCA87, p2 = 0xC2B2AE3D27D4EB4F, p3 = 0x165667B19E3779F9,
                                 p4 = 0x85EBCA77C2B2AE63, p5 = 0x27D4EB2F165667C5;

  /// Little-endian, as the machines that heed supports.
  template <class T>
  static std::uint64_t load(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
  }
  static std::uint64_t round(std::uint64_t lane, std::uint64_t word) { return std::rotl(lane + word * p2, 31) * p1; }
  void consume(const std::byte* block) {
    for (std::size_t i = 0; i < 4; ++i) lanes_[i] = round(lanes_[i], load<std::uint64_t>(block + 8 * i));
  }
  void append(std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(block_ + filled_, bytes.data(), bytes.size());
    filled_ += bytes.size();
  }

  std::uint64_t lanes_[4] = {p1 + p2, p2, 0, 0 - p1};
  std::uint64_t length_ = 0;
  std::byte block_[32];  // the bytes after the last whole block
  std::size_t filled_ = 0;
};

}  // namespace heed::inline HEED_ABI::io::detail
