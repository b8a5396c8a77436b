// SPDX-License-Identifier: Apache-2.0
// Wraps glibc's allocator. Replacing malloc itself also counts allocations by Eigen and C libraries, which replacing
// operator new would miss. libstdc++'s operator new calls malloc and aligned_alloc, so that it is counted once, here.
#include "support/allocations.hpp"

#include <atomic>
#include <cerrno>

namespace {

std::atomic<std::size_t> count{0}, held{0}, peak{0}, failing{0};

}  // namespace

void heed::test::fail_allocation(std::size_t n) noexcept {
  failing.store(n == 0 ? 0 : allocations() + n, std::memory_order_relaxed);
}

std::size_t heed::test::allocations() noexcept { return count.load(std::memory_order_relaxed); }
std::size_t heed::test::held_bytes() noexcept { return held.load(std::memory_order_relaxed); }
std::size_t heed::test::peak_bytes() noexcept { return peak.load(std::memory_order_relaxed); }
void heed::test::restart_peak() noexcept { peak.store(held_bytes(), std::memory_order_relaxed); }

#if defined(__GLIBC__) && !defined(HEED_TEST_SANITIZED)

#include <malloc.h>

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

/// Counts a request for memory; returns whether it must fail.
static bool refused() noexcept {
  return count.fetch_add(1, std::memory_order_relaxed) + 1 == failing.load(std::memory_order_relaxed);
}
static void* allocated(void* memory) noexcept {
  const std::size_t size = malloc_usable_size(memory);
  const std::size_t now = held.fetch_add(size, std::memory_order_relaxed) + size;
  std::size_t most = peak.load(std::memory_order_relaxed);
  while (now > most && !peak.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
  return memory;
}
static void released(void* memory) noexcept { held.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed); }

void* malloc(std::size_t size) noexcept { return refused() ? nullptr : allocated(__libc_malloc(size)); }

void* calloc(std::size_t number, std::size_t size) noexcept {
  return refused() ? nullptr : allocated(__libc_calloc(number, size));
}

void* realloc(void* old, std::size_t size) noexcept {
  if (refused()) return nullptr;
  const std::size_t before = malloc_usable_size(old);
  void* memory = __libc_realloc(old, size);
  // If the block was moved, both existed for a moment.
  if (memory == nullptr && size != 0) return memory;  // the old block stays valid
  allocated(memory);
  held.fetch_sub(before, std::memory_order_relaxed);
  return memory;
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return refused() ? nullptr : allocated(__libc_memalign(alignment, size));
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return memalign(alignment, size); }

int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void* memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}

void free(void* memory) noexcept {
  released(memory);
  __libc_free(memory);
}

}  // extern "C"

#endif
