// SPDX-License-Identifier: Apache-2.0
// A bump allocator: holds the values, gradients and scratch buffers of a tape.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <type_traits>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/round.hpp"
#include "heed/core/shape.hpp"
#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI {

/// Hands out 64-byte-aligned memory from a few large chunks. Growing adds a chunk and never moves a live view.
/// `clear()` merges the chunks into one, so that nothing is allocated after the largest step has run once.
class Arena {
 public:
  static constexpr std::size_t alignment = 64;

  /// A position to return to: everything allocated after it is released by `rewind`.
  struct Mark {
    std::size_t chunk = 0;
    std::size_t used = 0;
  };

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  [[gnu::noinline]] ~Arena() { release(); }

  /// Returns `bytes` of uninitialised memory; never null, even for 0 bytes.
  [[gnu::noinline]] void* allocate(std::size_t bytes) {
    const std::size_t need = std::max(alignment, round_up(bytes, alignment));
    while (mark_.chunk < chunks_.size()) {
      Chunk& chunk = chunks_[mark_.chunk];
      if (mark_.used + need <= chunk.size) {
        void* out = chunk.data + mark_.used;
        mark_.used += need;
        return out;
      }
      mark_ = {mark_.chunk + 1, 0};
    }
    grow(need);
    mark_.used = need;
    return chunks_.back().data;
  }

  /// Returns uninitialised memory for `count` values.
  template <class T>
  T* array(Index count) {
    static_assert(std::is_trivially_destructible_v<T>, "an arena never runs destructors");
    return static_cast<T*>(allocate(static_cast<std::size_t>(count) * sizeof(T)));
  }

  /// Returns an uninitialised contiguous array of this shape.
  template <class Scalar>
  [[gnu::noinline]] TensorView<Scalar> tensor(const Shape& shape) {
    return {array<Scalar>(shape.checked_size(sizeof(Scalar))), shape};
  }

  Mark mark() const { return mark_; }
  void rewind(Mark mark) { mark_ = mark; }

  /// Releases everything and merges the chunks into one.
  [[gnu::noinline]] void clear() {
    if (chunks_.size() > 1) {
      const std::size_t total = capacity();
      release();
      grow(total);
    }
    mark_ = {};
  }

  /// Bytes held, in use or not.
  std::size_t capacity() const {
    std::size_t total = 0;
    for (const Chunk& chunk : chunks_) total += chunk.size;
    return total;
  }

 private:
  struct Chunk {
    std::byte* data;
    std::size_t size;
  };

  void grow(std::size_t need) {
    const std::size_t size = std::max({need, std::size_t{1} << 16, chunks_.empty() ? 0 : 2 * chunks_.back().size});
    chunks_.reserve(chunks_.size() + 1);
    chunks_.push_back({static_cast<std::byte*>(::operator new(size, std::align_val_t{alignment})), size});
    mark_ = {chunks_.size() - 1, 0};
  }

  void release() {
    for (const Chunk& chunk : chunks_) ::operator delete(chunk.data, std::align_val_t{alignment});
    chunks_.clear();
  }

  std::vector<Chunk> chunks_;
  Mark mark_;
};

/// On destruction, releases what was allocated from the arena since construction.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
  ~ArenaScope() { arena_.rewind(mark_); }

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace heed::inline HEED_ABI
