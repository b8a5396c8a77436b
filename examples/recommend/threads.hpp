// SPDX-License-Identifier: Apache-2.0
// The executor of parallel loops: OpenMP threads where the program was built with OpenMP, the calling thread otherwise.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <heed/core/executor.hpp>
#include <memory>
#include <thread>
#ifdef _OPENMP
#include <heed/openmp.hpp>
#endif

inline void add_threads_option(CLI::App& app, int& threads) {
  // More threads than processors are slower; far more cannot be started.
  const int most = std::max(64, static_cast<int>(std::thread::hardware_concurrency()));
  app.add_option("--threads", threads, "0: all processors")->check(CLI::Range(0, most));
}

/// `threads` 0: as many as there are processors.
inline std::unique_ptr<heed::Executor> make_executor([[maybe_unused]] int threads) {
#ifdef _OPENMP
  return std::make_unique<heed::OpenMpExecutor>(threads);
#else
  return std::make_unique<heed::Executor>();
#endif
}
