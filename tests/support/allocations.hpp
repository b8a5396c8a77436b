// SPDX-License-Identifier: Apache-2.0
// Counts the heap allocations of the process and their bytes. Tests use it to check that warm code does not allocate,
// and how much memory large data requires.
#pragma once

#include <cstddef>

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

/// Bytes allocated on the heap of the process; 0 when allocations are not counted.
std::size_t held_bytes() noexcept;

/// The maximum of held_bytes() since the last restart_peak(). In one thread, never less than held_bytes().
std::size_t peak_bytes() noexcept;
void restart_peak() noexcept;

}  // namespace heed::test
