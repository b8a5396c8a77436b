// SPDX-License-Identifier: Apache-2.0
// Losses over 3,417 items with sampled negatives, 25,600 rows of 64 in sequences of 200. FLOPs, forward and backward:
// 6 rows d per candidate.
#include "heed/ops/sampled_loss.hpp"

#include <benchmark/benchmark.h>

#include "machine.hpp"

namespace {

using namespace heed;

struct Sampled {
  static constexpr Index rows = 25600, items = 3417, width = 64, length = 200;
  Parameter<float> x{{rows, width}}, weight{{items, width}};
  Segments sequences = Segments::uniform(rows / length, length);
  std::vector<Index> targets = drawn(rows, 3), negatives;
  Tape<float> tape;

  explicit Sampled(Index sampled) : negatives(drawn(sampled, 4)) {
    x.value() = Tensor<float>::normal({rows, width}, Random(1));
    weight.value() = Tensor<float>::normal({items, width}, Random(2), 0.1f);
  }
  static std::vector<Index> drawn(Index count, std::uint64_t seed) {
    std::vector<Index> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = Random(seed).below(i, items);
    return out;
  }
  void run(benchmark::State& state, const Negatives& whose, Index each, SampledLoss kind) {
    bench::measure_flops(state, 6.0 * static_cast<double>(rows * width * (1 + each)), [&] {
      tape.clear();
      backward(sampled_loss(tape.parameter(x), tape.parameter(weight), {}, targets, whose, {.loss = kind}));
    });
  }
};

void sampled_loss_bce_of_rows_1(benchmark::State& state) {
  Sampled s(Sampled::rows);
  s.run(state, Negatives::of_rows(s.negatives), 1, SampledLoss::bce);
}
void sampled_loss_gbce_of_rows_64(benchmark::State& state) {
  Sampled s(Sampled::rows * 64);
  s.run(state, Negatives::of_rows(s.negatives), 64, SampledLoss::gbce);
}
void sampled_loss_gbce_of_sequences_256(benchmark::State& state) {
  Sampled s(Sampled::rows / Sampled::length * 256);
  s.run(state, Negatives::of_sequences(s.negatives, s.sequences), 256, SampledLoss::gbce);
}
void sampled_loss_softmax_of_batch_512(benchmark::State& state) {
  Sampled s(512);
  s.run(state, Negatives::of_batch(s.negatives), 512, SampledLoss::softmax);
}
BENCHMARK(sampled_loss_bce_of_rows_1)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(sampled_loss_gbce_of_rows_64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(sampled_loss_gbce_of_sequences_256)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(sampled_loss_softmax_of_batch_512)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
