// SPDX-License-Identifier: Apache-2.0
// Causal pointwise attention (HSTU's). FLOPs forward: 4 d per visible pair and head (two products); with backward: 3.5
// times that (five more products, including the recomputed scores).
#include "heed/ops/pointwise_attention.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "heed/ops/sum.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

struct PointwiseAttention {
  Index batch, heads, time, width;  ///< width of a head
  bool position, times;
  Segments segments = Segments::uniform(batch, time);
  Parameter<float> q = input({batch * time, heads* width}, 1), k = input(q.shape(), 2), v = input(q.shape(), 3);
  Parameter<float> position_bias = input({time}, 4), time_bias = input({128}, 5);
  std::vector<double> when = clicks();
  Tape<float> tape{};

  static Parameter<float> input(const Shape& shape, std::uint64_t seed) {
    Parameter<float> x(shape);
    x.value() = Tensor<float>::normal(x.shape(), Random(seed), 0.3F);
    return x;
  }
  /// Times of sessions: most events are a minute apart, some are days apart.
  std::vector<double> clicks() const {
    std::vector<double> out(static_cast<std::size_t>(batch * time));
    const auto gaps = Tensor<float>::normal({batch * time}, Random(6), 3.0F);
    double now = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      now += std::floor(60.0F * std::exp(std::abs(gaps.data()[i])));
      out[i] = now;
    }
    return out;
  }
  Var<float> forward() {
    tape.clear();
    PointwiseAttentionOptions<float> options{.num_heads = heads};
    if (position) options.position_bias = tape.parameter(position_bias);
    if (times) {
      options.time_bias = tape.parameter(time_bias);
      options.times = when;
    }
    return pointwise_attention(tape.parameter(q), tape.parameter(k), tape.parameter(v), segments, options).context;
  }
  double flops() const { return 4.0 * static_cast<double>(batch * heads * time * (time + 1) / 2 * width); }
};

void pointwise_attention_forward_b128_h1_t200_d64(benchmark::State& state) {
  PointwiseAttention a{128, 1, 200, 64, true, false};
  bench::measure_flops(state, a.flops(), [&] { a.forward(); });
}
void pointwise_attention_forward_backward_b128_h1_t200_d64(benchmark::State& state) {
  PointwiseAttention a{128, 1, 200, 64, true, false};
  bench::measure_flops(state, 3.5 * a.flops(), [&] { backward(sum(a.forward())); });
}
void pointwise_attention_forward_backward_b128_h1_t200_d64_times(benchmark::State& state) {
  PointwiseAttention a{128, 1, 200, 64, true, true};
  bench::measure_flops(state, 3.5 * a.flops(), [&] { backward(sum(a.forward())); });
}
void pointwise_attention_forward_backward_b128_h1_t200_d50(benchmark::State& state) {
  PointwiseAttention a{128, 1, 200, 50, true, false};
  bench::measure_flops(state, 3.5 * a.flops(), [&] { backward(sum(a.forward())); });
}
BENCHMARK(pointwise_attention_forward_b128_h1_t200_d64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(pointwise_attention_forward_backward_b128_h1_t200_d64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(pointwise_attention_forward_backward_b128_h1_t200_d64_times)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(pointwise_attention_forward_backward_b128_h1_t200_d50)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
