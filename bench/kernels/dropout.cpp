// SPDX-License-Identifier: Apache-2.0
// Dropout of 128 MB, and its factors alone.
#include "heed/kernels/dropout.hpp"

#include "elementwise.hpp"

namespace {

using heed::Index;
using heed::Random;

constexpr Index large = Index{1} << 25;

/// As no compiler knows it.
template <class T>
T opaque(T value) {
  benchmark::DoNotOptimize(value);
  return value;
}

void dropout_factors(benchmark::State& state) {
  std::vector<float> out(static_cast<std::size_t>(state.range(0)));
  const double took = bench::fastest(state, [&] {
    for (int i = 0; i < 100; ++i) {
      heed::kernels::dropout_factors<float>(opaque(Random(1)), 0, state.range(0), opaque(0.9f), out.data());
      benchmark::ClobberMemory();
    }
  });
  state.counters["ns"] = took * 1e7 / static_cast<double>(state.range(0));
}
BENCHMARK(dropout_factors)->Arg(200)->Arg(4096)->UseManualTime();

void dropout_forward_128mb(benchmark::State& state) {
  std::vector<float> x(large, 1.0f), y(large);
  bench::measure_elements(state, large, 2048, {1, 1, 1}, [&](Index n) {
    heed::kernels::dropout_forward<float>(opaque(Random(1)), opaque(0.1), 0, n, x.data(), y.data());
  });
}
BENCHMARK(dropout_forward_128mb)->UseManualTime()->Unit(benchmark::kMillisecond);

void dropout_backward_128mb(benchmark::State& state) {
  std::vector<float> dy(large, 1.0f), dx(large);
  bench::measure_elements(state, large, 2048, {2, 1, 0}, [&](Index n) {
    heed::kernels::dropout_backward<float>(opaque(Random(1)), opaque(0.1), 0, n, dy.data(), dx.data());
  });
}
BENCHMARK(dropout_backward_128mb)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
