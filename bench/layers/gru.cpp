// SPDX-License-Identifier: Apache-2.0
// One GRU layer, batch 64, 50 steps. FLOPs forward: 2 tokens 3H (I + H); with backward: three times that.
#include "heed/ops/gru.hpp"

#include <benchmark/benchmark.h>

#include "heed/nn/gru.hpp"
#include "heed/ops/sum.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

struct Layer {
  Index batch, time, width;
  nn::GRU<float> gru{{.input_size = width, .hidden_size = width}};
  Segments segments = Segments::uniform(batch, time);
  Parameter<float> x{{batch * time, width}};  // not copied on the tape
  Tape<float> tape;

  Layer(Index b, Index t, Index w, bool record) : batch(b), time(t), width(w), tape({.record = record}) {
    nn::initialize(gru, Random(42));
    x.value() = Tensor<float>::normal(x.value().shape(), Random(1));
  }
  Var<float> forward() {
    tape.clear();
    return gru(tape.parameter(x), segments).output;
  }
  double flops() const { return 2.0 * static_cast<double>(batch * time * 3 * width * 2 * width); }
};

void gru_forward_b64_t50_d128_h128(benchmark::State& state) {
  Layer layer(64, 50, 128, false);
  bench::measure_flops(state, layer.flops(), [&] { layer.forward(); });
}
void gru_forward_backward_b64_t50_d128_h128(benchmark::State& state) {
  Layer layer(64, 50, 128, true);
  bench::measure_flops(state, 3 * layer.flops(), [&] { backward(sum(layer.forward())); });
}
void gru_forward_b1_t50_d128_h128(benchmark::State& state) {
  Layer layer(1, 50, 128, false);
  bench::measure_flops(state, layer.flops(), [&] { layer.forward(); });
}
BENCHMARK(gru_forward_b64_t50_d128_h128)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gru_forward_backward_b64_t50_d128_h128)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gru_forward_b1_t50_d128_h128)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
