// SPDX-License-Identifier: Apache-2.0
// An executor with an order of chunks that threads might produce.
#pragma once

#include "heed/core/executor.hpp"

namespace heed::test {

/// Runs the chunks from last to first, distributed over three worker numbers.
class Backwards : public Executor {
 public:
  int threads() const noexcept override { return 3; }
  Index seen = 0;  ///< number of chunks received

 protected:
  void dispatch(Index chunks, Function function, void* argument) override {
    seen += chunks;
    for (Index i = chunks; i-- > 0;) function(argument, i, static_cast<int>(i % 3));
  }
};

}  // namespace heed::test
