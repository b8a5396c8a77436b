// SPDX-License-Identifier: Apache-2.0
// y = x W^T + b as in the layer, which transposes W first.
#include "heed/ops/linear.hpp"

#include <benchmark/benchmark.h>

#include "machine.hpp"

namespace {

using namespace heed;

void linear_25600x64x256(benchmark::State& state) {
  constexpr Index rows = 25600, in = 64, out = 256;
  Parameter<float> x({rows, in}), w({out, in}), b({out});  // a tape copies constants but not parameters
  x.value() = Tensor<float>::normal(x.shape(), Random(1));
  w.value() = Tensor<float>::normal(w.shape(), Random(2));
  b.value() = Tensor<float>(b.shape());
  Tape<float> tape({.record = false});
  const auto work = [&] {
    tape.clear();
    linear(tape.parameter(x), tape.parameter(w), tape.parameter(b));
  };
  bench::measure_flops(state, 2.0 * rows * in * out, work, "2 rows in out");
}
BENCHMARK(linear_25600x64x256)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
