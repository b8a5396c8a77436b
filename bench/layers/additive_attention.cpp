// SPDX-License-Identifier: Apache-2.0
// Additive attention. The necessary work is counted in evaluations of tanh, at the speed of `tanh` on registers as
// measured here: one per feature of each visible pair forward, and one more backward (no [queries, keys, width] array
// is stored); and in multiply-adds at the FMA peak: forward w . tanh and p v, backward the terms of dq, dk, dw, dp and
// dv. The kernel computes tanh from exponentials of rows, so `share_of_tanh` can exceed 1; `share_of_own_limit` counts
// its operation per pair instead, r = 1 / (1 + e^2q e^2k), three times, at the speed of that operation on registers.
#include "heed/ops/additive_attention.hpp"

#include <benchmark/benchmark.h>

#include "heed/ops/sum.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

using P = simd::Pack<float>;

/// Returns the elements per second of `function` on pairs of registers, without memory accesses: the best of many runs.
template <class Function>
double lane_rate(const Function& function) {
  constexpr int chains = 4, rounds = 1000;
  double best = 0;
  for (int repeat = 0; repeat < 50; ++repeat) {
    P x[chains][2];
    for (auto& two : x) two[0] = two[1] = P(0.1f);
    for (auto& two : x) benchmark::DoNotOptimize(two);
    const auto start = bench::Clock::now();
    for (int i = 0; i < rounds; ++i) {
#pragma GCC unroll 4
      for (int c = 0; c < chains; ++c) function(x[c]);
    }
    const double took = bench::seconds_since(start);
    for (auto& two : x) benchmark::DoNotOptimize(two);
    best = std::max(best, static_cast<double>(2 * chains * rounds * P::width) / took);
  }
  return best;
}
double tanh_rate() {
  static const double rate = lane_rate([](P(&x)[2]) {
    x[0] = tanh(x[0]);
    x[1] = tanh(x[1]);
  });
  return rate;
}
double ratio_rate() {
  static const double rate = lane_rate([](P(&x)[2]) { kernels::detail::additive_ratios<false>(x, x, P(1.0f), x); });
  return rate;
}

struct AdditiveAttention {
  Index batch, queries, keys, width;
  Mask mask{};
  Segments q_segments = Segments::uniform(batch, queries), k_segments = Segments::uniform(batch, keys);
  Tensor<float> q = Tensor<float>::normal({batch * queries, width}, Random(1));
  Tensor<float> k = Tensor<float>::normal({batch * keys, width}, Random(2));
  Tensor<float> v = Tensor<float>::normal({batch * keys, width}, Random(3));
  Tensor<float> w = Tensor<float>::normal({width}, Random(4));
  Tape<float> tape{};

  Var<float> forward() {
    tape.clear();
    return additive_attention(tape.variable(q), q_segments, tape.variable(k), tape.variable(v), k_segments,
                              tape.variable(w), {.mask = mask})
        .context;
  }
  double pairs() const {
    const double seen = mask.is_causal() ? static_cast<double>(queries + 1) / 2 : static_cast<double>(keys);
    return static_cast<double>(batch * queries) * seen;
  }
  /// `tanhs`, `ratios` (the r above) and `fmas` are the numbers of operations per pair and feature.
  void measure(benchmark::State& state, double tanhs, double ratios, double fmas, auto&& work) {
    const double took = bench::fastest(state, work), features = pairs() * static_cast<double>(width);
    const double multiply = 2 * fmas * features / bench::machine().flops;
    state.counters["Gtanh/s"] = tanhs * features / took * 1e-9;
    state.counters["share_of_tanh"] = (tanhs * features / tanh_rate() + multiply) / took;
    state.counters["share_of_own_limit"] = (ratios * features / ratio_rate() + multiply) / took;
    if (queries == 1) return;
    state.counters["scratch_per_T2d/8"] = 8.0 * static_cast<double>(kernels::additive_attention_scratch(keys, width)) /
                                          static_cast<double>(queries * keys * width);
  }
};

void additive_attention_causal_forward_b32_t200_d64(benchmark::State& state) {
  AdditiveAttention a{32, 200, 200, 64, Mask::causal()};
  a.measure(state, 1, 1, 2, [&] { a.forward(); });
}
void additive_attention_causal_forward_backward_b32_t200_d64(benchmark::State& state) {
  AdditiveAttention a{32, 200, 200, 64, Mask::causal()};
  a.measure(state, 2, 3, 7, [&] { backward(sum(a.forward())); });
}
/// Serving: the query is the last position of each history.
void additive_attention_one_query_forward_b32_t300_d64(benchmark::State& state) {
  AdditiveAttention a{32, 1, 300, 64};
  a.measure(state, 1, 1, 2, [&] { a.forward(); });
}
void additive_attention_one_query_forward_backward_b32_t300_d64(benchmark::State& state) {
  AdditiveAttention a{32, 1, 300, 64};
  a.measure(state, 2, 3, 7, [&] { backward(sum(a.forward())); });
}
BENCHMARK(additive_attention_causal_forward_b32_t200_d64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(additive_attention_causal_forward_backward_b32_t200_d64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(additive_attention_one_query_forward_b32_t300_d64)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(additive_attention_one_query_forward_backward_b32_t300_d64)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
