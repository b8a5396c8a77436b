// SPDX-License-Identifier: Apache-2.0
// Counts heap allocations of the whole process, so that a test can show that warm code makes none, and their bytes, so
// that a test can show what large data takes.
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

/// Whether allocations are counted here: on glibc, and not under a sanitizer, which needs malloc for itself.
#if defined(__GLIBC__) && !defined(HEED_TEST_SANITIZED)
inline constexpr bool allocations_counted = true;
#else
inline constexpr bool allocations_counted = false;
#endif

/// How many times any thread has called malloc, calloc, realloc, aligned_alloc, memalign, posix_memalign or (through
/// them) operator new since the program began. Never falls; always 0 where allocations are not counted.
std::size_t allocations() noexcept;

/// How many the third call of `step` makes: 0 where a warm step makes none.
template <class Step>
std::size_t warm_allocations(const Step& step) {
  step();
  step();
  const std::size_t before = allocations();
  step();
  return allocations() - before;
}

/// Bytes that the process holds on the heap; 0 where allocations are not counted.
std::size_t held_bytes() noexcept;

/// The most that held_bytes() has been since the last restart_peak(). Never less than held_bytes() in one thread.
std::size_t peak_bytes() noexcept;
void restart_peak() noexcept;

}  // namespace heed::test
