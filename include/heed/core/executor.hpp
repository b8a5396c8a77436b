// SPDX-License-Identifier: Apache-2.0
// Runs the chunks of an operation. The library starts no threads itself; adapters such as heed/openmp.hpp provide them.
#pragma once

#include <memory>
#include <type_traits>

#include "heed/core/config.hpp"
#include "heed/core/round.hpp"

namespace heed::inline HEED_ABI {

/// Runs numbered chunks, in any order and on any thread. Operations divide their work into chunks by shape only, not by
/// the number of threads (unless the division does not affect how elements are computed), so that results do not
/// depend on the executor. This base class runs the chunks serially.
class Executor {
 protected:
  using Function = void (*)(void*, Index, int) noexcept;

 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  /// Number of workers: chunks receive worker numbers below it. Determines the size of scratch buffers.
  virtual int threads() const noexcept { return 1; }

  /// Calls `chunk(i, worker)` once for every i in 0 .. chunks - 1, with worker in 0 .. threads() - 1. Chunks with the
  /// same worker number never run at the same time. Chunks must not throw and must not call `run` themselves.
  template <class Chunk>
  void run(Index chunks, Chunk&& chunk) {
    using F = std::remove_reference_t<Chunk>;
    run(chunks, call<F>, const_cast<void*>(static_cast<const void*>(std::addressof(chunk))));
  }

  /// Divides `0 .. size - 1` into ranges of `grain` elements and calls `body(begin, end, worker)` for each.
  template <class Body>
  void run_ranges(Index size, Index grain, Body&& body) {
    run(ceil_divide(size, grain), [&](Index i, int worker) {
      const Index begin = i * grain;
      body(begin, begin + grain < size ? begin + grain : size, worker);
    });
  }

 protected:
  [[gnu::noinline]] void run(Index chunks, Function function, void* argument) {
    if (chunks == 1) {
      function(argument, 0, 0);
    } else if (chunks > 1) {
      dispatch(chunks, function, argument);
    }
  }
  /// Not inlined, so that the chunk's code is compiled once for both the direct call and `dispatch`.
  template <class F>
  [[gnu::noinline]] static void call(void* chunk, Index i, int worker) noexcept {
    (*static_cast<F*>(chunk))(i, worker);
  }
  virtual void dispatch(Index chunks, Function function, void* argument) {
    for (Index i = 0; i < chunks; ++i) function(argument, i, 0);
  }
};

}  // namespace heed::inline HEED_ABI
