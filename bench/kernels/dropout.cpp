// SPDX-License-Identifier: Apache-2.0
// Dropout of 128 MB, and the generation of its mask.
#include "heed/kernels/dropout.hpp"

#include "elementwise.hpp"

namespace {

using heed::Index;
using heed::Random;

constexpr Index large = Index{1} << 25;

/// Returns `value`, hidden from the optimiser.
template <class T>
T opaque(T value) {
  benchmark::DoNotOptimize(value);
  return value;
}

void dropout_mask(benchmark::State& state) {
  using Mask = heed::kernels::DropoutMask<>;
  std::uint16_t out[32 * Mask::words];
  const double took = bench::fastest(state, [&] {
    for (int i = 0; i < 100; ++i) {
      const Mask mask(opaque(Random(1)), opaque(0.9));
      for (Index g = 0; g < state.range(0); ++g) mask.make(static_cast<std::uint64_t>(g), out + g * Mask::words);
      benchmark::ClobberMemory();
    }
  });
  state.counters["ns"] = took * 1e7 / static_cast<double>(state.range(0) * Mask::group);
}
BENCHMARK(dropout_mask)->Arg(2)->Arg(32)->UseManualTime();

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
