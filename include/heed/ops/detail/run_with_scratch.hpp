// SPDX-License-Identifier: Apache-2.0
// Runs the chunks of an operation, each with a scratch buffer.
#pragma once

#include "heed/autograd/tape.hpp"

namespace heed::inline HEED_ABI::detail {

/// Calls `chunk(i, scratch)` for i in 0 .. chunks - 1, with an uninitialised buffer of `size` elements that no other
/// chunk uses at the same time. With `in_order`, the chunks run one after the other on the calling thread.
template <class Scalar, class Chunk>
void run_with_scratch(Tape<Scalar>& tape, Index chunks, Index size, const Chunk& chunk, bool in_order = false) {
  Executor serial;
  Executor& executor = in_order ? serial : tape.executor();
  ArenaScope scope(tape.scratch());
  Scalar* const buffers = tape.scratch().template array<Scalar>(size * executor.threads());
  executor.run(chunks, [&](Index i, int worker) { chunk(i, buffers + worker * size); });
}

}  // namespace heed::inline HEED_ABI::detail
