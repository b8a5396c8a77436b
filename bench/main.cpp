// SPDX-License-Identifier: Apache-2.0
// Google Benchmark's main, with the limits of the machine and the build in the context. With `--threads=N`, training
// steps run on N threads, and without a filter only they run.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "executor.hpp"
#include "machine.hpp"

#ifndef HEED_BENCH_FLAGS
#define HEED_BENCH_FLAGS "unknown"
#endif

namespace {

#ifdef __clang__
constexpr const char* compiler = __VERSION__;
#else
constexpr const char* compiler = "GCC " __VERSION__;
#endif

/// Removes `--threads=N` from the arguments.
void read_threads(int& argc, char** argv) {
  constexpr const char* option = "--threads=";
  int kept = 0;
  for (int i = 0; i < argc; ++i) {
    if (std::strncmp(argv[i], option, std::strlen(option)) == 0) {
      bench::threads = std::atoi(argv[i] + std::strlen(option));
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
  if (bench::threads < 1 || (bench::threads > 1 && !bench::many_threads)) {
    std::cerr << "heed_bench: --threads must be at least 1, and more than 1 requires a build with OpenMP\n";
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  read_threads(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const std::string filter = benchmark::GetBenchmarkFilter();
  if (bench::threads > 1 && (filter.empty() || filter == "all")) benchmark::SetBenchmarkFilter("^train_");
  benchmark::AddCustomContext("heed", heed::version());
  benchmark::AddCustomContext("heed isa", heed::isa());
  benchmark::AddCustomContext("compiler", compiler);
  benchmark::AddCustomContext("flags", HEED_BENCH_FLAGS);
  benchmark::AddCustomContext("threads", std::to_string(bench::threads));
  benchmark::AddCustomContext("FMA peak, GFLOP/s, one core", std::to_string(bench::machine().flops * 1e-9));
  benchmark::AddCustomContext("stream bandwidth, GB/s, one core", std::to_string(bench::machine().bytes * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
