// SPDX-License-Identifier: Apache-2.0
// Google Benchmark's main, with the machine's limits and the build in the context.
#include <benchmark/benchmark.h>

#include <string>

#include "machine.hpp"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("heed", heed::version());
  benchmark::AddCustomContext("heed isa", heed::isa());
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("FMA peak, GFLOP/s, one core", std::to_string(bench::machine().flops * 1e-9));
  benchmark::AddCustomContext("stream bandwidth, GB/s, one core", std::to_string(bench::machine().bytes * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
