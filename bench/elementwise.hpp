// SPDX-License-Identifier: Apache-2.0
// Elementwise kernels: their time, and their limits by memory traffic and by instructions.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "machine.hpp"

namespace bench {

/// Returns the seconds per element of a loop that reads and writes the same number of arrays with one addition per
/// read. (The hardware also reads cache lines before they are written. As usual, GB/s do not include these reads.)
inline double memory_limit(std::size_t reads, std::size_t writes, std::size_t written_only) {
  static std::vector<float> arrays[6];
  const std::size_t size = std::size_t{1} << 24, packs = size / 16;
  for (std::size_t i = 0; i < reads + written_only; ++i) arrays[i].resize(size, 1.0f);
  using P = heed::simd::Pack<float, heed::simd::NativeIsa>;
  double best = 1e300;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = Clock::now();
    for (std::size_t at = 0; at < packs * 16; at += static_cast<std::size_t>(P::width)) {
      P sum(0.0f);
      for (std::size_t i = 0; i < reads; ++i) sum = sum + P::load(arrays[i].data() + at);
      // Writes the last arrays: those that are only written, then some of those that are read.
      for (std::size_t i = 0; i < writes; ++i) sum.store(arrays[reads + written_only - 1 - i].data() + at);
    }
    benchmark::ClobberMemory();
    best = std::min(best, seconds_since(start));
  }
  return best / static_cast<double>(size);
}

/// Memory traffic of a kernel: the number of arrays read, of arrays written, and of arrays written but not read.
struct Traffic {
  std::size_t reads, writes, written_only;
  double bytes() const { return 4.0 * static_cast<double>(reads + writes); }
};

/// Times `work(size)`, and repeatedly `work(small)`, whose data stays in the L1 cache, so that only instructions limit
/// it. Reports ns per element, GB/s, and the share of the higher of the two limits.
template <class Work>
void measure_elements(benchmark::State& state, double size, double small, Traffic traffic, Work&& work) {
  const auto run = [&](double n) { work(static_cast<heed::Index>(n)); };
  run(small);
  double instructions = 1e300;
  for (int repeat = 0; repeat < 200; ++repeat) {
    const auto start = Clock::now();
    for (int i = 0; i < 16; ++i) run(small);
    instructions = std::min(instructions, seconds_since(start) / (16 * small));
  }
  const double memory = memory_limit(traffic.reads, traffic.writes, traffic.written_only);
  const double took = fastest(state, [&] { run(size); }) / size;
  state.counters["ns"] = took * 1e9;
  state.counters["ns_instructions"] = instructions * 1e9;
  state.counters["ns_memory"] = memory * 1e9;
  state.counters["GB/s"] = traffic.bytes() / took * 1e-9;
  state.counters["share_of_bandwidth"] = traffic.bytes() / took / machine().bytes;
  state.counters["share_of_limit"] = std::max(memory, instructions) / took;
}

}  // namespace bench
