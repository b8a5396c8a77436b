// SPDX-License-Identifier: Apache-2.0
// Target attention with its standard unit, one hidden layer of H = 36 sigmoids. The necessary work is counted in
// multiply-adds per pair: for a given query, the first layer is linear in the keys, so E H + H + V forward, and twice
// that for the gradients. The recomputation of the layers in the backward pass and the sigmoids are not counted.
#include "heed/nn/target_attention.hpp"

#include <benchmark/benchmark.h>

#include "heed/ops/sum.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

struct TargetAttention {
  Index batch, candidates, keys, width;
  bool causal = false;
  Segments q_segments = Segments::uniform(batch, candidates), k_segments = Segments::uniform(batch, keys);
  Tensor<float> q = Tensor<float>::normal({batch * candidates, width}, Random(1));
  Tensor<float> k = Tensor<float>::normal({batch * keys, width}, Random(2));
  nn::TargetAttention<float> layer{{.embed_dim = width}};
  Tape<float> tape{};

  Var<float> forward() {
    tape.clear();
    const Var<float> history = tape.variable(k);
    const Mask mask = causal ? Mask::causal() : Mask();
    return layer(tape.variable(q), q_segments, history, history, k_segments, {.mask = mask}).context;
  }
  /// Necessary operations: `unit` times the layers of the unit, and `values` times the weighted sum of values.
  double flops(double unit, double values) const {
    const double seen = causal ? static_cast<double>(candidates + 1) / 2 : static_cast<double>(keys);
    const double hidden = 36, e = static_cast<double>(width);
    return 2 * static_cast<double>(batch * candidates) * seen * (unit * (e * hidden + hidden) + values * e);
  }
};

void target_attention_forward_b64_c4_t100_d64(benchmark::State& state) {
  TargetAttention a{64, 4, 100, 64};
  nn::initialize(a.layer, Random(4));
  bench::measure_flops(
      state, a.flops(1, 1), [&] { a.forward(); }, "2 pairs (E H + H + V)");
}
void target_attention_forward_backward_b64_c4_t100_d64(benchmark::State& state) {
  TargetAttention a{64, 4, 100, 64};
  nn::initialize(a.layer, Random(4));
  bench::measure_flops(
      state, a.flops(3, 3), [&] { backward(sum(a.forward())); }, "6 pairs (E H + H + V)");
}
void target_attention_causal_forward_backward_b32_t200_d64(benchmark::State& state) {
  TargetAttention a{32, 200, 200, 64, true};
  nn::initialize(a.layer, Random(4));
  bench::measure_flops(
      state, a.flops(3, 3), [&] { backward(sum(a.forward())); }, "6 pairs (E H + H + V)");
}
BENCHMARK(target_attention_forward_b64_c4_t100_d64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(target_attention_forward_backward_b64_c4_t100_d64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(target_attention_causal_forward_backward_b32_t200_d64)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
