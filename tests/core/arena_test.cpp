// SPDX-License-Identifier: Apache-2.0
#include "heed/core/arena.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("an arena's allocations are aligned, do not overlap and never move") {
  Arena arena;
  CHECK(arena.capacity() == 0);
  std::vector<std::pair<unsigned char*, std::size_t>> pieces;
  const std::size_t sizes[] = {0, 1, 63, 64, 65, 4096, 100000, 3, 1000000, 0};
  for (int round = 0; round < 5; ++round) {
    for (const std::size_t size : sizes) {
      auto* p = static_cast<unsigned char*>(arena.allocate(size));
      REQUIRE(p != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % Arena::alignment == 0);
      std::memset(p, static_cast<int>(pieces.size()), size);
      pieces.emplace_back(p, size);
    }
  }
  // The arena has grown several times without changing earlier allocations.
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto [p, size] = pieces[i];
    CHECK(std::count(p, p + size, static_cast<unsigned char>(i)) == static_cast<std::ptrdiff_t>(size));
    for (std::size_t j = 0; j < i; ++j) CHECK(p != pieces[j].first);
  }
}

TEST_CASE("clear merges the chunks, so that the same work then fits in one") {
  Arena arena;
  const auto work = [&] {
    std::vector<std::byte*> out;
    for (int i = 0; i < 50; ++i) out.push_back(arena.array<std::byte>(10000));
    return out;
  };
  work();
  const std::size_t before = arena.capacity();
  CHECK(before >= 500000);
  arena.clear();
  CHECK(arena.capacity() >= before);
  const std::size_t merged = arena.capacity();
  const auto first = work();
  for (std::size_t i = 1; i < first.size(); ++i) CHECK(first[i] - first[i - 1] == 10048);  // one chunk, 64-byte steps
  arena.clear();
  CHECK(work() == first);
  CHECK(arena.capacity() == merged);
}

TEST_CASE("rewinding releases later allocations, across chunks") {
  Arena arena;
  arena.allocate(1000);
  const Arena::Mark mark = arena.mark();
  void* const next = arena.allocate(10);
  arena.rewind(mark);
  CHECK(arena.allocate(10) == next);
  {
    const ArenaScope scope(arena);
    for (int i = 0; i < 30; ++i) arena.allocate(50000);
    const ArenaScope inner(arena);
    arena.allocate(50000);
  }
  const std::size_t capacity = arena.capacity();
  for (int round = 0; round < 20; ++round) {
    const ArenaScope scope(arena);
    for (int i = 0; i < 30; ++i) arena.allocate(50000);
  }
  CHECK(arena.capacity() == capacity);
}

TEST_CASE("an arena allocates arrays of a shape") {
  Arena arena;
  const auto view = arena.tensor<double>({2, 3, 4});
  CHECK(view.shape() == Shape{2, 3, 4});
  CHECK(view.contiguous());
  CHECK(arena.tensor<float>({0, 3}));
}

}  // namespace HEED_TEST_UNIT
