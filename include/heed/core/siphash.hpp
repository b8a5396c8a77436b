// SPDX-License-Identifier: Apache-2.0
// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), as in the hash tables of Python and
// Rust: whoever does not know the key cannot find texts that collide.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::detail {

using SipKey = std::array<std::uint64_t, 2>;

/// Returns the hash of `text` under the secret `key`.
inline std::uint64_t siphash(std::string_view text, const SipKey& key) {
  std::uint64_t a = key[0] ^ 0x736f6d6570736575, b = key[1] ^ 0x646f72616e646f6d;
  std::uint64_t c = key[0] ^ 0x6c7967656e657261, d = key[1] ^ 0x7465646279746573;
  const auto round = [&]() __attribute__((always_inline)) {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  };
  const auto absorb = [&](std::uint64_t word) __attribute__((always_inline)) {
    d ^= word;
    round();
    a ^= word;
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    absorb(word);
  }
  std::uint64_t last = 0;  // the rest of the text, then the low byte of its length
  if (left >= 4) {         // two words that overlap
    std::uint32_t first = 0, second = 0;
    std::memcpy(&first, at, 4);
    std::memcpy(&second, at + left - 4, 4);
    last = first | std::uint64_t{second} << (8 * (left - 4));
  } else {
    for (std::size_t i = 0; i < left; ++i) last |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  }
  absorb(last | std::uint64_t{text.size()} << 56);
  c ^= 0xff;
  round(), round(), round();
  return a ^ b ^ c ^ d;
}

}  // namespace heed::inline HEED_ABI::detail
