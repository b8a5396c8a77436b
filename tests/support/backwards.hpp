// SPDX-License-Identifier: Apache-2.0
// An executor that does what threads may do, at its worst.
#pragma once

#include "heed/core/executor.hpp"

namespace heed::test {

/// Runs the chunks last to first, dealing them to three workers.
class Backwards : public Executor {
 public:
  int threads() const noexcept override { return 3; }
  Index seen = 0;  ///< chunks that were handed over

 protected:
  void dispatch(Index chunks, Function function, void* argument) override {
    seen += chunks;
    for (Index i = chunks; i-- > 0;) function(argument, i, static_cast<int>(i % 3));
  }
};

}  // namespace heed::test
