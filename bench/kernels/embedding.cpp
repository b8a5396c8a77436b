// SPDX-License-Identifier: Apache-2.0
// Embedding lookup of 25,600 rows of 64 in a table of 3,417 rows, and its backward pass. Bytes per row: forward, one
// read and one write; backward, two reads (gradient and table) and one write.
#include "heed/kernels/embedding.hpp"

#include <benchmark/benchmark.h>

#include "heed/core/random.hpp"
#include "heed/core/tensor.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

struct Lookup {
  static constexpr Index count = 25600, items = 3417, width = 64;
  Tensor<float> table = Tensor<float>::normal({items, width}, Random(1)), rows{{count, width}};
  std::vector<Index> indices = std::vector<Index>(count);
  double bytes = static_cast<double>(count * width) * sizeof(float);

  Lookup() {
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = Random(2).below(i, items);
  }
};

void embedding_forward_25600x64(benchmark::State& state) {
  Lookup l;
  bench::measure_bytes(state, 2 * l.bytes,
                       [&] { kernels::embedding_forward<float>(l.table.view(), l.indices.data(), l.rows.view()); });
}
/// In blocks of `columns`, as split between threads.
void embedding_backward_25600x64(benchmark::State& state) {
  Lookup l;
  const Index columns = state.range(0);
  bench::measure_bytes(state, 3 * l.bytes, [&] {
    for (Index j = 0; j < l.width; j += columns) {
      kernels::embedding_backward<float>(l.rows.view().columns(j, j + columns), l.indices.data(),
                                         l.table.view().columns(j, j + columns));
    }
  });
}
BENCHMARK(embedding_forward_25600x64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(embedding_backward_25600x64)->Arg(16)->Arg(32)->Arg(64)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
