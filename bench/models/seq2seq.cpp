// SPDX-License-Identifier: Apache-2.0
// A training step of Seq2Seq: batch 64, lengths 10 .. 50, hidden size 128, 8 heads, Adam. FLOPs forward: per valid
// token 2 * 4H * 2H in each of two LSTM layers and 2 * 4H * H in the projections, per pair of tokens 4 H. Backward:
// twice that, without the product for the gradient with respect to the input, which is not needed.
#include "heed/recsys/models/seq2seq.hpp"

#include <benchmark/benchmark.h>

#include "executor.hpp"
#include "heed/nn/module.hpp"
#include "heed/ops/mse_loss.hpp"
#include "heed/optim/adam.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

void train_seq2seq_b64_t50_h128_heads8(benchmark::State& state) {
  constexpr Index batch = 64, H = 128;
  recsys::Seq2Seq<float> model({.input_size = H, .hidden_size = H, .num_heads = 8});
  nn::initialize(model, Random(42));
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 1e-3f});
  std::vector<Index> lengths;
  double pairs = 0;
  for (Index b = 0; b < batch; ++b) {
    lengths.push_back(10 + 17 * b % 41);  // as in peers/torch_peer.py
    pairs += static_cast<double>(lengths.back() * lengths.back());
  }
  const Segments segments{std::span<const Index>(lengths)};
  const auto x = Tensor<float>::normal({segments.tokens(), H}, Random(1));
  const auto y = Tensor<float>::normal({batch, 1}, Random(2));
  const auto tokens = static_cast<double>(segments.tokens()), h = static_cast<double>(H);
  Tape<float> tape({.training = true, .executor = &bench::executor()});
  const auto step = [&] {
    tape.clear();
    backward(mse_loss(model(tape.constant(x), segments), tape.constant(y)));
    adam.step();
  };
  bench::measure_flops(state, tokens * 112 * h * h + 3 * 4 * h * pairs, step, "112 H^2 tokens + 12 H pairs, valid ones",
                       bench::threads);
}
BENCHMARK(train_seq2seq_b64_t50_h128_heads8)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
