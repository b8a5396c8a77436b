// SPDX-License-Identifier: Apache-2.0
// Philox 4x32-10 on registers: computes the blocks of core/random.hpp for several counters at once.
#pragma once

#include <cstdint>
#include <type_traits>

#include "heed/core/random.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::simd {

/// Computes blocks of one stream. Holds the keys of the ten rounds: construct it once for many blocks.
template <class Isa = NativeIsa>
class Philox {
 public:
  /// Not wider than native registers: GCC 12 miscompiles the rounds on wider ones when it optimises.
  using Registers = std::conditional_t<(Isa::bytes > NativeIsa::bytes), NativeIsa, Isa>;

 private:
  using Ops = ArchWords<Registers>;
  using Wide = typename Ops::Wide;

 public:
  using Words = typename Ops::Words;
  static constexpr Index width = Registers::bytes / 4;

  [[gnu::always_inline]] explicit Philox(Random random) {
    std::uint32_t k0 = static_cast<std::uint32_t>(random.key()), k1 = static_cast<std::uint32_t>(random.key() >> 32);
    for (auto& [even, odd] : keys_) {
      even = Wide{} + k0;
      odd = Wide{} + k1;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }

  /// Lane i of block[w] is word w of `Random::words(counter + i)`.
  [[gnu::always_inline]] void words(std::uint64_t counter, Words (&block)[4]) const {
    // One counter per 64-bit lane, even and odd counters in separate registers. The high halves of lanes are not read.
    Half even(counter, 0), odd(counter, 1);
    for (const auto& [k0, k1] : keys_) {
      even.round(k0, k1);
      odd.round(k0, k1);
    }
    for (int w = 0; w < 4; ++w) block[w] = (Words)((even.c[w] & 0xffffffffu) | (odd.c[w] << 32));
  }

  /// Returns a bit mask: bit i is set when lane i of `words` is at most `limit`.
  [[gnu::always_inline]] static unsigned at_most(Words words, std::uint32_t limit) {
    return Ops::at_most(words, Words{} + limit);
  }

 private:
  struct Half {
    Wide c[4];
    [[gnu::always_inline]] Half(std::uint64_t counter, std::uint64_t offset) : c{} {
      for (std::uint64_t i = 0; i < width / 2; ++i) c[0][i] = 2 * i + offset;
      c[0] += counter;
      c[1] = c[0] >> 32;
    }
    [[gnu::always_inline]] void round(Wide k0, Wide k1) {
      const Wide p0 = Ops::multiply_low(c[0], Wide{} + 0xD2511F53u), p1 = Ops::multiply_low(c[2], Wide{} + 0xCD9E8D57u);
      c[0] = (p1 >> 32) ^ c[1] ^ k0;
      c[2] = (p0 >> 32) ^ c[3] ^ k1;
      c[1] = p1;
      c[3] = p0;
    }
  };
  struct Keys {
    Wide even, odd;
  };
  Keys keys_[10];
};

}  // namespace heed::inline HEED_ABI::simd
