// SPDX-License-Identifier: Apache-2.0
// Limits of the machine, measured in the same process, so that figures can be reported as a share of them.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/simd/pack.hpp"
#include "support/allocations.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// FLOP/s of multiply-adds on registers on one core, 2 operations each: the best of many short runs.
inline double fma_peak() {
  using P = heed::simd::Pack<float>;
  constexpr int chains = 12, rounds = 5000, repeats = 4000;  // about 70 ms, as a shared machine is slow at times
  double best = 0;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    P sum[chains];
    P factor(1.0f), term(1e-9f);
    benchmark::DoNotOptimize(factor);
    for (P& s : sum) s = P(1.0f);
    const auto start = Clock::now();
    for (int i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
      for (int c = 0; c < chains; ++c) sum[c] = fma(sum[c], factor, term);
    }
    const double took = seconds_since(start);
    for (P& s : sum) benchmark::DoNotOptimize(s);
    best = std::max(best, 2.0 * chains * rounds * static_cast<double>(P::width) / took);
  }
  return best;
}

/// Bytes per second of y[i] = a x[i] + y[i] on one core, far larger than the caches: two reads and one write.
inline double stream_bandwidth() {
  std::vector<float> x(std::size_t{1} << 25, 1.0f), y(x.size(), 2.0f);
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] += 0.5f * x[i];
    benchmark::ClobberMemory();
    best = std::max(best, 3.0 * sizeof(float) * static_cast<double>(x.size()) / seconds_since(start));
  }
  return best;
}

struct Machine {
  double flops = fma_peak();
  double bytes = stream_bandwidth();
};

/// Measured once, on first use.
inline const Machine& machine() {
  static const Machine measured;
  return measured;
}

/// Returns the seconds of the fastest iteration of `work`, because noise only adds time. Counts the heap allocations of
/// iterations after a warm-up.
template <class Work>
double fastest(benchmark::State& state, Work&& work) {
  for (int warm_up = 0; warm_up < 2; ++warm_up) work();
  double best = 1e300;
  std::size_t allocations = 0;
  for (auto _ : state) {
    const std::size_t before = heed::test::allocations();
    const auto start = Clock::now();
    work();
    const double took = seconds_since(start);
    allocations += heed::test::allocations() - before;
    state.SetIterationTime(took);
    best = std::min(best, took);
  }
  state.counters["best_ms"] = best * 1e3;
  state.counters["allocations"] = static_cast<double>(allocations) / static_cast<double>(state.iterations());
  return best;
}

/// Reports GFLOP/s for `flops` necessary operations and their share of the FMA peak of `cores` cores; `formula` is
/// their number as text.
template <class Work>
void measure_flops(benchmark::State& state, double flops, Work&& work, const char* formula = "", int cores = 1) {
  const double rate = flops / fastest(state, work);
  state.counters["GFLOP/s"] = rate * 1e-9;
  state.counters["share_of_peak"] = rate / (machine().flops * cores);
  if (*formula != '\0') state.SetLabel(formula);
}

/// Reports GB/s for `bytes` of necessary memory traffic and their share of the stream bandwidth.
template <class Work>
void measure_bytes(benchmark::State& state, double bytes, Work&& work, const char* formula = "") {
  const double rate = bytes / fastest(state, work);
  state.counters["GB/s"] = rate * 1e-9;
  state.counters["share_of_bandwidth"] = rate / machine().bytes;
  if (*formula != '\0') state.SetLabel(formula);
}

}  // namespace bench
