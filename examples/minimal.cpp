// SPDX-License-Identifier: Apache-2.0
// The smallest whole program: LSTM -> multi-head attention -> sum over time -> linear, trained on ragged sequences.
// The task, made up on the spot: say the first feature at the moment when the second one was greatest.
#include <cstdio>
#include <heed/nn/linear.hpp>
#include <heed/nn/lstm.hpp>
#include <heed/nn/multi_head_attention.hpp>
#include <heed/ops/mse_loss.hpp>
#include <heed/ops/sum.hpp>
#include <heed/optim/adam.hpp>

int main() {
  heed::nn::LSTM encoder({.input_size = 8, .hidden_size = 32});
  heed::nn::MultiHeadAttention attention({.embed_dim = 32, .num_heads = 4});
  heed::nn::Linear head({.in_features = 32, .out_features = 1});
  heed::nn::initialize(heed::nn::modules(encoder, attention, head), heed::Random(42));
  heed::optim::Adam adam(heed::nn::parameters(encoder, attention, head), {.learning_rate = 3e-3});

  heed::Tape tape({.training = true});
  double loss_sum = 0;
  for (heed::Index step = 1; step <= 1000; ++step) {
    const heed::Random random = heed::Random(7).fork(static_cast<std::uint64_t>(step));
    std::vector<heed::Index> lengths;
    for (std::uint64_t i = 0; i < 32; ++i) lengths.push_back(1 + random.fork("lengths").below(i, 12));
    const heed::Segments segments(lengths);  // 32 sequences of 1 to 12 steps, packed without padding
    const auto features = heed::Tensor<float>::normal({segments.tokens(), 8}, random);
    heed::Tensor targets({segments.count(), 1});
    for (heed::Index b = 0; b < segments.count(); ++b) {
      heed::Index best = segments.begin(b);
      for (heed::Index t = best; t < segments.end(b); ++t) {
        if (features(t, 1) > features(best, 1)) best = t;
      }
      targets(b, 0) = features(best, 0);
    }

    tape.clear();
    const auto x = tape.constant(features);                                               // [tokens, 8]
    const auto h = encoder(x, segments).output;                                           // [tokens, 32]
    const auto context = attention(h, segments, {.mask = heed::Mask::causal()}).context;  // [tokens, 32]
    const auto score = head(heed::sum(context, segments));                                // [sequences, 1]
    const auto loss = heed::mse_loss(score, tape.constant(targets));                      // targets [sequences, 1]
    heed::backward(loss);
    adam.step();
    loss_sum += static_cast<double>(loss.item());
    if (step % 100 == 0) std::printf("step %4td  loss %.3f\n", step, std::exchange(loss_sum, 0.0) / 100);
  }
}
