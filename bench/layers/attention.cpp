// SPDX-License-Identifier: Apache-2.0
// Causal self-attention. FLOPs forward: 4 d for each visible pair of each head; with backward: 3.5 times that (five
// products more, two of them for the scores and their cotangents again).
#include "heed/ops/attention.hpp"

#include <benchmark/benchmark.h>

#include "heed/ops/additive_attention.hpp"
#include "heed/ops/sum.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

struct Attention {
  Index batch, heads, time, width;  ///< width of a head
  Segments segments = Segments::uniform(batch, time);
  Tensor<float> q = Tensor<float>::normal({batch * time, heads* width}, Random(1));
  Tensor<float> k = Tensor<float>::normal({batch * time, heads* width}, Random(2));
  Tensor<float> v = Tensor<float>::normal({batch * time, heads* width}, Random(3));
  Tape<float> tape{};

  Var<float> forward() {
    tape.clear();
    return attention(tape.variable(q), segments, tape.variable(k), tape.variable(v), segments, Mask::causal(),
                     {.num_heads = heads})
        .context;
  }
  double flops() const { return 4.0 * static_cast<double>(batch * heads * time * (time + 1) / 2 * width); }
};

void attention_causal_forward_b128_h2_t200_d32(benchmark::State& state) {
  Attention a{128, 2, 200, 32};
  bench::measure_flops(state, a.flops(), [&] { a.forward(); });
}
void attention_causal_forward_backward_b128_h2_t200_d32(benchmark::State& state) {
  Attention a{128, 2, 200, 32};
  bench::measure_flops(state, 3.5 * a.flops(), [&] { backward(sum(a.forward())); });
}
void attention_causal_forward_b8_h8_t1024_d64(benchmark::State& state) {
  Attention a{8, 8, 1024, 64};
  bench::measure_flops(state, a.flops(), [&] { a.forward(); });
}
BENCHMARK(attention_causal_forward_b128_h2_t200_d32)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(attention_causal_forward_backward_b128_h2_t200_d32)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(attention_causal_forward_b8_h8_t1024_d64)->UseManualTime()->Unit(benchmark::kMillisecond);

/// Additive attention at every position: one tanh for each visible pair and feature, counted as items.
void additive_attention_causal_forward_backward_b32_t200_d64(benchmark::State& state) {
  Attention a{32, 1, 200, 64};
  const auto w = Tensor<float>::normal({a.width}, Random(4));
  const double tanhs = static_cast<double>(a.batch * a.time * (a.time + 1) / 2 * a.width);
  for (auto _ : state) {
    a.tape.clear();
    const Var<float> context = additive_attention(a.tape.variable(a.q), a.segments, a.tape.variable(a.k),
                                                  a.tape.variable(a.v), a.segments, a.tape.variable(w), Mask::causal())
                                   .context;
    backward(sum(context));
  }
  state.counters["tanh/s"] = benchmark::Counter(tanhs, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(additive_attention_causal_forward_backward_b32_t200_d64)->Unit(benchmark::kMillisecond);

}  // namespace
