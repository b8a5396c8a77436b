// SPDX-License-Identifier: Apache-2.0
// Memory between protected pages: an access beyond its bounds terminates the program.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <stdexcept>

namespace heed::test {

/// A page between two inaccessible ones.
class Guarded {
 public:
  Guarded() : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* const all = mmap(nullptr, 3 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::runtime_error("mmap");
    all_ = static_cast<std::byte*>(all);
    if (mprotect(all_ + page_, page_, PROT_READ | PROT_WRITE) != 0) throw std::runtime_error("mprotect");
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(all_, 3 * page_); }

  template <class T>
  T* begin() const {
    return reinterpret_cast<T*>(all_ + page_);
  }
  template <class T>
  T* end() const {
    return reinterpret_cast<T*>(all_ + 2 * page_);
  }

 private:
  std::size_t page_;
  std::byte* all_;
};

}  // namespace heed::test
