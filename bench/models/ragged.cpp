// SPDX-License-Identifier: Apache-2.0
// The cost of padding: SASRec (width 64, 2 blocks, feed-forward 64, dropout 0.2, full cross-entropy over 12,101 items)
// on 128 histories with the lengths of Amazon Beauty, ragged and padded to 50; the loss uses the valid rows in both.
// Operations are counted as in sasrec.cpp, for valid tokens only, so the rate of the padded case is lower.
#include <benchmark/benchmark.h>

#include <numeric>
#include <vector>

#include "executor.hpp"
#include "heed/nn/module.hpp"
#include "heed/ops/operators.hpp"
#include "heed/ops/sum.hpp"
#include "heed/optim/adam.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "machine.hpp"
#include "recsys/padded_history.hpp"

namespace {

using namespace heed;

constexpr Index items = 12101, d = 64, longest = 50, feedforward = 64, blocks = 2;

/// Training positions per user of the 5-core file, leave-one-out, limited to 50 (22,363 users, mean 5.73): quantiles
/// for 128 users.
struct Quantile {
  Index length, users;
};
constexpr Quantile beauty[] = {{2, 41}, {3, 24}, {4, 15}, {5, 11}, {6, 8},  {7, 5},  {8, 4},  {9, 3},
                               {10, 2}, {11, 2}, {12, 2}, {13, 1}, {14, 1}, {15, 1}, {16, 1}, {18, 1},
                               {19, 1}, {22, 1}, {24, 1}, {29, 1}, {37, 1}, {50, 1}};

std::vector<Index> lengths() {
  std::vector<Index> out;
  for (const auto& [length, users] : beauty) out.insert(out.end(), static_cast<std::size_t>(users), length);
  Random(3).shuffle(std::span(out));
  return out;
}

data::Batch batch_of(bool ragged) {
  data::Batch out;
  out.segments = out.query_segments = Segments(lengths());
  const Index tokens = out.segments.tokens();
  for (Index i = 0; i < tokens; ++i) {
    out.items.push_back(Random(1).below(static_cast<std::uint64_t>(i), items));
    out.targets.push_back(Random(2).below(static_cast<std::uint64_t>(i), items));
  }
  out.ages.resize(out.items.size());
  out.query_rows.resize(out.items.size());
  std::iota(out.query_rows.begin(), out.query_rows.end(), 0);
  out.target_segments = Segments::uniform(tokens, 1);
  return ragged ? out : test::padded(out, longest);
}

double encoder_flops() {
  double flops = 0;
  for (const auto& [length, users] : beauty) {
    const double products = 2.0 * (4 * d * d + 2 * feedforward * d);
    const double attention = 4.0 * d * static_cast<double>(length + 1) / 2;
    flops += static_cast<double>(blocks * users * length) * (3 * products + 3.5 * attention);
  }
  return flops;
}

void train(benchmark::State& state, bool whole, bool ragged) {
  recsys::SASRec<float> model({.num_items = items, .embed_dim = d, .max_length = longest},
                              {.num_blocks = blocks, .feedforward_dim = feedforward, .dropout = 0.2});
  nn::initialize(model, Random(42));
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 1e-3f});
  const auto batch = batch_of(ragged);
  const auto direction = Tensor<float>::normal({std::ssize(batch.targets), d}, Random(4));
  Tape<float> tape({.training = true, .executor = &bench::executor()});
  const auto step = [&] {
    tape.clear();
    if (whole) {
      backward(model.loss(tape, batch));
      adam.step();
    } else {
      backward(sum(model.predict(tape, batch).queries * tape.constant(direction)));
    }
  };
  const double loss = whole ? 3 * 2.0 * static_cast<double>(std::ssize(batch.targets)) * items * d : 0.0;
  bench::measure_flops(state, encoder_flops() + loss, step, whole ? "blocks and 6 tokens items d" : "blocks",
                       bench::threads);
}

void train_beauty_encoder_ragged(benchmark::State& state) { train(state, false, true); }
BENCHMARK(train_beauty_encoder_ragged)->UseManualTime()->Unit(benchmark::kMillisecond);
void train_beauty_encoder_padded(benchmark::State& state) { train(state, false, false); }
BENCHMARK(train_beauty_encoder_padded)->UseManualTime()->Unit(benchmark::kMillisecond);
void train_beauty_step_ragged(benchmark::State& state) { train(state, true, true); }
BENCHMARK(train_beauty_step_ragged)->UseManualTime()->Unit(benchmark::kMillisecond);
void train_beauty_step_padded(benchmark::State& state) { train(state, true, false); }
BENCHMARK(train_beauty_step_padded)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
