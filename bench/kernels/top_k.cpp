// SPDX-License-Identifier: Apache-2.0
// The ten largest scores of 3,417 and of a million items for one query of width 64. Bytes: the table, once.
#include "heed/kernels/top_k.hpp"

#include <benchmark/benchmark.h>

#include "heed/core/random.hpp"
#include "heed/core/tensor.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

template <class Element>
void top_10_of_table(benchmark::State& state) {
  constexpr Index width = 64;
  const Index items = state.range(0);
  std::vector<Element> table(static_cast<std::size_t>(items * width));
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = Element(static_cast<float>(Random(1).uint64(i) >> 40) * 0x1p-24f - 0.5f);
  }
  const auto query = Tensor<float>::normal({width}, Random(2));
  kernels::Ranked<float> best[10];
  bench::measure_bytes(state, static_cast<double>(items * width * static_cast<Index>(sizeof(Element))), [&] {
    kernels::top_k_of_table<float, Element>({table.data(), {items, width}}, query.data(), nullptr, 10, nullptr, 0,
                                            best);
    benchmark::DoNotOptimize(best);
  });
}
BENCHMARK(top_10_of_table<float>)->Arg(3417)->Arg(1000000)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(top_10_of_table<Bfloat16>)->Arg(3417)->Arg(1000000)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
