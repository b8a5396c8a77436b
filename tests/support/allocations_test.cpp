// SPDX-License-Identifier: Apache-2.0
#include "support/allocations.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

namespace HEED_TEST_UNIT {

using heed::test::allocations;

// Prevents the compiler from removing a pair of allocation and release whose memory is not used.
void escape(void* memory) { asm volatile("" : : "g"(memory) : "memory"); }

template <class Function>
std::size_t counted(Function function) {
  const std::size_t before = allocations();
  function();
  return allocations() - before;
}

TEST_CASE("every allocation function is counted once") {
  if (!heed::test::allocations_counted) {
    REQUIRE(allocations() == 0);
    return;
  }
  CHECK(counted([] {}) == 0);
  CHECK(counted([] {
          int* one = new int(1);
          escape(one);
          delete one;
        }) == 1);
  struct alignas(64) Line {
    char bytes[64];
  };
  CHECK(counted([] {
          Line* line = new Line();
          escape(line);
          delete line;
        }) == 1);
  CHECK(counted([] {
          void* memory = std::malloc(10);
          escape(memory);
          memory = std::realloc(memory, 100000);
          escape(memory);
          std::free(memory);
        }) == 2);
  CHECK(counted([] {
          void* memory = std::calloc(10, 10);
          escape(memory);
          std::free(memory);
        }) == 1);
  CHECK(counted([] {
          void* memory = std::aligned_alloc(64, 128);
          escape(memory);
          std::free(memory);
        }) == 1);
  CHECK(counted([] {
          void* memory = nullptr;
          const int status = posix_memalign(&memory, 64, 100);
          escape(memory);
          std::free(memory);
          if (status != 0) std::abort();
        }) == 1);
}

TEST_CASE("the bytes held and their peak are counted") {
  using namespace heed::test;
  if (!allocations_counted) {
    REQUIRE(peak_bytes() == 0);
    return;
  }
  constexpr std::size_t size = 1 << 20;
  const std::size_t before = held_bytes();
  restart_peak();
  void* memory = std::malloc(size);
  escape(memory);
  const std::size_t one = held_bytes() - before;
  memory = std::realloc(memory, 2 * size);
  escape(memory);
  const std::size_t two = held_bytes() - before;
  std::free(memory);
  memory = std::aligned_alloc(64, size);
  escape(memory);
  std::free(memory);
  std::free(nullptr);
  const std::size_t after = held_bytes(), peak = peak_bytes() - before;
  CHECK(after == before);
  CHECK((one >= size && one < size + 8192));
  CHECK((two >= 2 * size && two < 2 * size + 8192));
  CHECK((peak >= two && peak <= one + two));
  restart_peak();
  CHECK(peak_bytes() < before + size);
}

TEST_CASE("each allocation in turn fails once, and is checked") {
  if (!heed::test::allocations_counted) return;
  int attempts = 0, checks = 0;
  const auto two = [&] {
    ++attempts;
    std::vector<int> first(10), second(10);
    escape(first.data());
    escape(second.data());
  };
  CHECK(heed::test::fail_each_allocation(two, [&] { ++checks; }) == 2);
  CHECK((attempts == 3 && checks == 2));
  heed::test::fail_allocation(1);
  void* memory = std::malloc(1);
  CHECK(memory == nullptr);
  memory = std::malloc(1);
  CHECK(memory != nullptr);
  std::free(memory);
}

TEST_CASE("the allocations of other threads are counted") {
  if (!heed::test::allocations_counted) return;
  CHECK(counted([] {
          std::thread([] {
            for (int i = 0; i < 100; ++i) {
              int* one = new int(i);
              escape(one);
              delete one;
            }
          }).join();
        }) >= 100);
}

}  // namespace HEED_TEST_UNIT
