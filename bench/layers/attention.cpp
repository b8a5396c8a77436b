// SPDX-License-Identifier: Apache-2.0
// Causal self-attention. FLOPs forward: 4 d per visible pair and head (two products); with backward: 3.5 times that
// (five more products, including the recomputed scores).
#include "heed/ops/attention.hpp"

#include <benchmark/benchmark.h>

#include "heed/ops/sum.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

struct Attention {
  Index batch, heads, time, width;  ///< width of a head
  Segments segments = Segments::uniform(batch, time);
  Parameter<float> q = input(1), k = input(2), v = input(3);  ///< not copied to the tape, unlike its variables
  Tape<float> tape{};

  Parameter<float> input(std::uint64_t seed) const {
    Parameter<float> x({batch * time, heads * width});
    x.value() = Tensor<float>::normal(x.shape(), Random(seed));
    return x;
  }
  Var<float> forward() {
    tape.clear();
    return attention(tape.parameter(q), segments, tape.parameter(k), tape.parameter(v), segments,
                     {.mask = Mask::causal(), .num_heads = heads})
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

}  // namespace
