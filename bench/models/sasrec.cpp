// SPDX-License-Identifier: Apache-2.0
// Training steps of SASRec, and recommendation for one user: width 64, 2 pre-norm blocks of 2 heads, feed-forward 256,
// dropout 0.2, histories of 200, 3,416 items, Adam. FLOPs per token and block, forward: 2 * (4 d^2 + 2 * 256 d) and, on
// average, 4 d (t + 1) / 2 for causal attention; backward: 2 times the products and 2.5 times the attention.
#include "heed/recsys/models/sasrec.hpp"

#include <benchmark/benchmark.h>

#include <numeric>

#include "executor.hpp"
#include "heed/nn/module.hpp"
#include "heed/optim/adam.hpp"
#include "heed/recsys/session.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

constexpr Index items = 3416, d = 64, length = 200, feedforward = 256, blocks = 2;

recsys::SASRec<float> model_of(recsys::NextItemLoss loss) {
  recsys::SASRec<float> model({.num_items = items, .embed_dim = d, .max_length = length, .loss = loss},
                              {.num_blocks = blocks, .num_heads = 2, .feedforward_dim = feedforward, .dropout = 0.2});
  nn::initialize(model, Random(42));
  return model;
}

/// `batch` histories of full length with a query at every position.
data::Batch batch_of(Index batch) {
  data::Batch out;
  const std::vector<Index> lengths(static_cast<std::size_t>(batch), length);
  out.segments = out.query_segments = Segments(lengths);
  const Index tokens = batch * length;
  for (Index i = 0; i < tokens; ++i) {
    out.items.push_back(Random(1).below(static_cast<std::uint64_t>(i), items));
    out.targets.push_back(Random(2).below(static_cast<std::uint64_t>(i), items));
  }
  out.ages.resize(static_cast<std::size_t>(tokens));
  out.query_rows.resize(static_cast<std::size_t>(tokens));
  std::iota(out.query_rows.begin(), out.query_rows.end(), 0);
  out.target_segments = Segments(std::vector<Index>(static_cast<std::size_t>(tokens), 1));
  return out;
}

double block_flops(double tokens) {
  const double products = 2.0 * (4 * d * d + 2 * feedforward * d), attention = 4.0 * d * (length + 1) / 2;
  return blocks * tokens * (3 * products + 3.5 * attention);
}

void train(benchmark::State& state, recsys::NextItemLoss loss, Index size, double flops, const char* formula) {
  auto model = model_of(loss);
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 1e-3f});
  const auto batch = batch_of(size);
  Tape<float> tape({.training = true, .executor = &bench::executor()});
  const auto step = [&] {
    tape.clear();
    backward(model.loss(tape, batch));
    adam.step();
  };
  bench::measure_flops(state, flops, step, formula, bench::threads);
}

void train_sasrec_full_softmax_b16_t200_d64_l2(benchmark::State& state) {
  const double tokens = 16 * length;
  train(state, {}, 16, block_flops(tokens) + 3 * 2.0 * tokens * items * d, "blocks and 6 tokens items d");
}
BENCHMARK(train_sasrec_full_softmax_b16_t200_d64_l2)->UseManualTime()->Unit(benchmark::kMillisecond);

void train_sasrec_bce_b128_t200_d64_l2(benchmark::State& state) {
  const double tokens = 128 * length;
  train(state, {.kind = recsys::NextItemLoss::Kind::bce}, 128, block_flops(tokens) + 3 * 4.0 * tokens * d,
        "blocks and 12 tokens d");
}
BENCHMARK(train_sasrec_bce_b128_t200_d64_l2)->UseManualTime()->Unit(benchmark::kMillisecond);

void recommend_sasrec_b1_t200_d64_l2_top10(benchmark::State& state) {
  const auto model = model_of({});
  recsys::Session<recsys::SASRec<float>> session(model, {.max_length = length});
  for (Index i = 0; i < length; ++i) {
    session.push(static_cast<data::Id>(Random(1).below(static_cast<std::uint64_t>(i), items)), i);
  }
  // Includes all positions of the last block, although only one is needed, as the peer computes them.
  bench::measure_flops(
      state, block_flops(length) / 3 + 2.0 * items * d, [&] { benchmark::DoNotOptimize(session.top_k(10)); },
      "blocks forward and 2 items d");
}
BENCHMARK(recommend_sasrec_b1_t200_d64_l2_top10)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
