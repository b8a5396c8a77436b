// SPDX-License-Identifier: Apache-2.0
// Counts the heap allocations of the process and their bytes. Tests use it to check that warm code does not allocate,
// and how much memory large data requires.
#pragma once

#include <cstddef>
#include <exception>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HEED_TEST_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEED_TEST_SANITIZED
#endif

namespace heed::test {

/// True when allocations are counted: with glibc, and without a sanitizer, which replaces malloc itself.
#if defined(__GLIBC__) && !defined(HEED_TEST_SANITIZED)
inline constexpr bool allocations_counted = true;
#else
inline constexpr bool allocations_counted = false;
#endif

/// Number of calls, by any thread, of malloc, calloc, realloc, aligned_alloc, memalign, posix_memalign and (through
/// them) operator new since the program began. Never decreases; 0 when allocations are not counted.
std::size_t allocations() noexcept;

/// Number of allocations in the third call of `step`: 0 when a warm step does not allocate.
template <class Step>
std::size_t warm_allocations(const Step& step) {
  step();
  step();
  const std::size_t before = allocations();
  step();
  return allocations() - before;
}

/// Lets the n-th allocation from now on (from 1), by any thread, fail as if memory had run out; 0: none. Only that one.
void fail_allocation(std::size_t n) noexcept;

/// Calls `attempt` with its first allocation failing, then its second, and so on until none has failed; after each
/// failed call, `check`. A call fails by an exception: std::bad_alloc, or heed::Error where a C library reports the
/// lack of memory. Returns the number of failed calls; 0 when allocations are not counted.
template <class Attempt, class Check>
std::size_t fail_each_allocation(const Attempt& attempt, const Check& check) {
  for (std::size_t n = 1; allocations_counted; ++n) {
    bool failed = false;
    const std::size_t before = allocations();
    fail_allocation(n);
    try {
      attempt();
    } catch (const std::exception&) {
      failed = true;
    }
    const bool reached = allocations() - before >= n;
    fail_allocation(0);
    if (failed) check();
    if (!reached) return n - 1;
  }
  return 0;
}

/// Bytes allocated on the heap of the process; 0 when allocations are not counted.
std::size_t held_bytes() noexcept;

/// The maximum of held_bytes() since the last restart_peak(). In one thread, never less than held_bytes().
std::size_t peak_bytes() noexcept;
void restart_peak() noexcept;

}  // namespace heed::test
