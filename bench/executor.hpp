// SPDX-License-Identifier: Apache-2.0
// Who runs the chunks of a training step.
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

/// `--threads`: cores that a training step may use. Everything else is measured on one.
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
