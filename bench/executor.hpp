// SPDX-License-Identifier: Apache-2.0
// The executor of the training steps.
#pragma once

#ifdef _OPENMP
#include "heed/openmp.hpp"
#else
#include "heed/core/executor.hpp"
#endif

namespace bench {

#ifdef _OPENMP
inline constexpr bool many_threads = true;
#else
inline constexpr bool many_threads = false;
#endif

/// `--threads`: number of threads of a training step. All other cases run on one thread.
inline int threads = 1;

inline heed::Executor& executor() {
#ifdef _OPENMP
  static heed::OpenMpExecutor executor(threads);
#else
  static heed::Executor executor;
#endif
  return executor;
}

}  // namespace bench
