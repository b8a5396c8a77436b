// SPDX-License-Identifier: Apache-2.0
#include "heed/core/random.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;
using Words = std::array<std::uint32_t, 4>;

/// Philox 4x32-10 as in the paper's figure, implemented independently for comparison.
Words philox(Words x, std::array<std::uint32_t, 2> key) {
  for (std::uint32_t round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * x[0], b = std::uint64_t{0xCD9E8D57} * x[2];
    const std::uint32_t k0 = key[0] + round * 0x9E3779B9u, k1 = key[1] + round * 0xBB67AE85u;
    x = {static_cast<std::uint32_t>(b >> 32) ^ x[1] ^ k0, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ x[3] ^ k1, static_cast<std::uint32_t>(a)};
  }
  return x;
}

TEST_CASE("the generator reproduces the known answers of Random123") {
  CHECK(Random(0).words(0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  // The other known answers have counters beyond 64 bits: the implementation above reproduces them ..
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  // .. and agrees with the library's for counters and keys of 64 bits.
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::uint64_t seed = Random(1).uint64(i), counter = Random(2).uint64(i);
    const Words words = philox({static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0},
                               {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    REQUIRE(Random(seed).words(counter) == words);
    REQUIRE(Random(seed).uint64(counter) == (words[0] | std::uint64_t{words[1]} << 32));
  }
}

TEST_CASE("streams of different purposes, names and seeds differ, and never change") {
  std::set<std::uint64_t> seen;
  std::size_t drawn = 0;
  const auto draw = [&](const Random& random) {
    for (std::uint64_t i = 0; i < 10; ++i, ++drawn) seen.insert(random.uint64(i));
  };
  const Random random(42);
  for (std::uint64_t i = 0; i < 10; ++i) draw(Random(i));
  for (std::uint64_t i = 0; i < 10; ++i) draw(random.fork(i).fork(3));
  for (const char* name : {"", "a", "b", "ab", "encoder.weight_ih_l0", "encoder.weight_hh_l0"}) draw(random.fork(name));
  draw(random.fork(1).fork(2));
  draw(random.fork(2).fork(1));
  CHECK(seen.size() == drawn);
  CHECK(random.fork("x").uint64(5) == Random(42).fork("x").uint64(5));
  static_assert(Random(42).fork(7).words(1) == Random(42).fork(7).words(1));
}

TEST_CASE("uniform numbers fill 0 to 1, 1 excluded, evenly") {
  const Random random(3);
  constexpr std::uint64_t count = 100000;
  double sum = 0, squares = 0, least = 1, most = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double x = random.uniform(i);
    sum += x;
    squares += x * x;
    least = std::min(least, x);
    most = std::max(most, x);
  }
  CHECK(least >= 0);
  CHECK(most < 1);
  // Five standard errors.
  CHECK(std::abs(sum / count - 0.5) < 5 * std::sqrt(1.0 / 12 / count));
  CHECK(std::abs(squares / count - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / count));
}

TEST_CASE("normal numbers have the moments and tails of a normal distribution") {
  const Random random(4);
  constexpr std::uint64_t count = 100000;
  double sum = 0, squares = 0, beyond_two = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double x = random.normal(i);
    REQUIRE(std::isfinite(x));
    sum += x;
    squares += x * x;
    beyond_two += std::abs(x) > 2;
  }
  CHECK(std::abs(sum / count) < 5 / std::sqrt(double(count)));
  CHECK(std::abs(squares / count - 1) < 5 * std::sqrt(2.0 / count));
  CHECK(std::abs(beyond_two / count - 0.0455) < 5 * std::sqrt(0.0455 / count));
}

TEST_CASE("below is even and never reaches its bound") {
  const Random random(5);
  std::array<int, 7> counts{};
  for (std::uint64_t i = 0; i < 70000; ++i) {
    const Index x = random.below(i, 7);
    REQUIRE((x >= 0 && x < 7));
    ++counts[static_cast<std::size_t>(x)];
  }
  for (const int count : counts) CHECK(std::abs(count - 10000) < 500);
  CHECK(random.below(9, 1) == 0);
  const Index most = std::numeric_limits<Index>::max();
  CHECK((random.below(9, most) >= 0 && random.below(9, most) < most));
}

TEST_CASE("a shuffle is a permutation, and all permutations are equally likely") {
  std::vector<int> values(50);
  std::iota(values.begin(), values.end(), 0);
  auto shuffled = values;
  Random(6).shuffle(std::span<int>(shuffled));
  CHECK(shuffled != values);
  CHECK(std::is_permutation(shuffled.begin(), shuffled.end(), values.begin()));
  std::set<std::array<int, 3>> orders;
  std::array<int, 3> first{};
  for (std::uint64_t i = 0; i < 6000; ++i) {
    std::array<int, 3> three{0, 1, 2};
    Random(7).fork(i).shuffle(std::span<int>(three));
    orders.insert(three);
    first[static_cast<std::size_t>(three[0])] += 1;
  }
  CHECK(orders.size() == 6);
  for (const int count : first) CHECK(std::abs(count - 2000) < 200);
}

}  // namespace HEED_TEST_UNIT
