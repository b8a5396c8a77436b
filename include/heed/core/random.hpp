// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers (Philox 4x32-10): a number depends on key and counter only, not on the order of draws.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// A stream of random numbers addressed by a counter. Trivially copyable, stateless: the same key and counter always
/// give the same number. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed = 0) : key_(seed) {}

  /// Returns an independent stream for a purpose: a step, a layer, a position.
  [[gnu::noinline]] constexpr Random fork(std::uint64_t purpose) const {
    // Forks set the high counter word, draws leave it 0: the two never use the same block.
    const auto words = philox(purpose, 1);
    return Random(words[0] | (static_cast<std::uint64_t>(words[1]) << 32));
  }
  /// Returns an independent stream for a name, for example a parameter's path.
  [[gnu::noinline]] constexpr Random fork(std::string_view purpose) const {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return fork(hash);
  }

  /// Identifies the stream, for code that computes many blocks at once (simd/random.hpp).
  constexpr std::uint64_t key() const { return key_; }
  /// Returns four 32-bit words for this counter.
  constexpr std::array<std::uint32_t, 4> words(std::uint64_t counter) const { return philox(counter, 0); }
  constexpr std::uint64_t uint64(std::uint64_t counter) const {
    const auto w = words(counter);
    return w[0] | (static_cast<std::uint64_t>(w[1]) << 32);
  }
  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform(std::uint64_t counter) const {
    return static_cast<double>(uint64(counter) >> 11) * 0x1.0p-53;
  }
  /// Standard normal (Box-Muller).
  double normal(std::uint64_t counter) const {
    const auto w = words(counter);
    const double u = (static_cast<double>(w[0]) + 1.0) * 0x1.0p-32;  // (0, 1]: its logarithm is finite
    const double v = static_cast<double>(w[1]) * 0x1.0p-32;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }
  /// Uniform in 0 .. n - 1 (n > 0).
  constexpr Index below(std::uint64_t counter, Index n) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<Index>((static_cast<Wide>(uint64(counter)) * static_cast<std::uint64_t>(n)) >> 64);
  }
  /// Permutes the values at random (Fisher-Yates).
  template <class T>
  constexpr void shuffle(std::span<T> values) const {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[static_cast<std::size_t>(below(i, static_cast<Index>(i)))]);
    }
  }

 private:
  constexpr std::array<std::uint32_t, 4> philox(std::uint64_t low, std::uint64_t high) const {
    std::uint32_t c0 = static_cast<std::uint32_t>(low), c1 = static_cast<std::uint32_t>(low >> 32);
    std::uint32_t c2 = static_cast<std::uint32_t>(high), c3 = static_cast<std::uint32_t>(high >> 32);
    std::uint32_t k0 = static_cast<std::uint32_t>(key_), k1 = static_cast<std::uint32_t>(key_ >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
      const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
      const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c1 = static_cast<std::uint32_t>(p1);
      c3 = static_cast<std::uint32_t>(p0);
      c0 = n0;
      c2 = n2;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return {c0, c1, c2, c3};
  }

  std::uint64_t key_;
};

}  // namespace heed::inline HEED_ABI
