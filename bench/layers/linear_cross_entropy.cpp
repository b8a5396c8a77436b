// SPDX-License-Identifier: Apache-2.0
// Cross-entropy over 3,417 items fused with its linear layer, 4,096 rows of 64. FLOPs forward: 2 rows items d; with
// backward: three times that (dx and dweight).
#include "heed/ops/linear_cross_entropy.hpp"

#include <benchmark/benchmark.h>

#include "machine.hpp"

namespace {

using namespace heed;

struct Catalogue {
  Index rows, items, width;
  Tensor<float> x = Tensor<float>::normal({rows, width}, Random(1));
  Parameter<float> weight{{items, width}};
  std::vector<Index> targets = std::vector<Index>(static_cast<std::size_t>(rows));
  Tape<float> tape;

  Catalogue(Index r, Index i, Index w) : rows(r), items(i), width(w) {
    weight.value() = Tensor<float>::normal({items, width}, Random(2), 0.1f);
    for (std::size_t t = 0; t < targets.size(); ++t) targets[t] = Random(3).below(t, items);
  }
  double flops() const { return 2.0 * static_cast<double>(rows * items * width); }
  /// Memory of the tape in addition to x, its gradient and the two gradients that the forward pass stores.
  double extra_bytes() const {
    const Index gradients = x.size() + weight.value().size();
    return static_cast<double>(tape.capacity()) - static_cast<double>(2 * x.size() + gradients) * sizeof(float);
  }
};

void linear_cross_entropy_forward_4096x3417_d64(benchmark::State& state) {
  Catalogue c(4096, 3417, 64);
  Tape<float> silent({.record = false});
  bench::measure_flops(state, c.flops(), [&] {
    silent.clear();
    linear_cross_entropy(silent.constant(c.x), silent.parameter(c.weight), {}, c.targets);
  });
}
void linear_cross_entropy_forward_backward_4096x3417_d64(benchmark::State& state) {
  Catalogue c(4096, 3417, 64);
  bench::measure_flops(state, 3 * c.flops(), [&] {
    c.tape.clear();
    backward(linear_cross_entropy(c.tape.variable(c.x), c.tape.parameter(c.weight), {}, c.targets));
  });
  state.counters["extra_MB"] = c.extra_bytes() * 1e-6;
}
BENCHMARK(linear_cross_entropy_forward_4096x3417_d64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(linear_cross_entropy_forward_backward_4096x3417_d64)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
