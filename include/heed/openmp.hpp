// SPDX-License-Identifier: Apache-2.0
// An executor that uses OpenMP threads. Requires -fopenmp.
#pragma once

#ifndef _OPENMP
#error "heed/openmp.hpp needs -fopenmp (CMake: link heed::openmp)"
#endif

#include <omp.h>

#include <atomic>

#include "heed/core/error.hpp"
#include "heed/core/executor.hpp"

namespace heed::inline HEED_ABI {

/// Runs chunks on `threads` threads of OpenMP's pool; 0 selects OpenMP's default number. Between operations the threads
/// spin; set OMP_WAIT_POLICY=passive in the environment if other programs need the processors. Throws OptionError.
class OpenMpExecutor final : public Executor {
 public:
  explicit OpenMpExecutor(int threads = 0) : threads_(threads > 0 ? threads : omp_get_max_threads()) {
    if (threads < 0) fail<OptionError>("OpenMpExecutor", threads, " threads");
  }
  int threads() const noexcept override { return threads_; }

 protected:
  void dispatch(Index chunks, Function function, void* argument) override {
    // OpenMP allocates a team of one thread anew each time.
    if (threads_ == 1) return Executor::dispatch(chunks, function, argument);
    // Chunks differ in duration (ragged sequences), so that threads fetch them one by one. An atomic counter is used
    // because OpenMP's dynamic schedule may allocate.
    std::atomic<Index> next{0};
#pragma omp parallel num_threads(threads_)
    for (Index i = next++; i < chunks; i = next++) function(argument, i, omp_get_thread_num());
  }

 private:
  int threads_;
};

}  // namespace heed::inline HEED_ABI
