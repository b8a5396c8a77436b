// SPDX-License-Identifier: Apache-2.0
// LSTM encoder -> LSTM decoder -> masked multi-head attention -> sum over time -> linear, trained with Adam on padded
// batches: from a sequence of feature vectors to one number.
//
// The task, on generated data: how will a user rate an item? The user's earlier ratings show how strict the user is.
#include <cmath>
#include <cstdio>
#include <heed/nn/init.hpp>
#include <heed/ops/mse_loss.hpp>
#include <heed/optim/adam.hpp>
#include <heed/recsys/models/seq2seq.hpp>
#include <vector>

namespace {

using heed::Index;

constexpr Index batch_size = 32, longest = 12, num_features = 3;

/// Sequences of different lengths, padded: the first lengths.length(b) steps of sequence b count.
struct PaddedBatch {
  heed::Segments lengths;
  heed::Tensor<float> features{heed::Shape{batch_size, longest, num_features}};
  heed::Tensor<float> ratings{heed::Shape{batch_size, 1}};  ///< to be predicted
};

/// One step per item: its quality, and the user's rating of it, which is the quality plus what the user adds to all
/// items, plus noise. The last item has no rating yet, which the third feature tells. The same `random` gives the same
/// batch.
PaddedBatch make_batch(heed::Random random) {
  PaddedBatch batch;
  std::vector<Index> lengths;
  for (std::uint64_t b = 0; b < batch_size; ++b) lengths.push_back(2 + random.fork("lengths").below(b, longest - 1));
  batch.lengths.assign(lengths);
  const auto quality = heed::Tensor<float>::normal({batch_size, longest}, random.fork("quality"));
  const auto noise = heed::Tensor<float>::normal({batch_size, longest}, random.fork("noise"), 0.3f);
  const auto user = heed::Tensor<float>::normal({batch_size, 1}, random.fork("users"));
  for (Index b = 0; b < batch_size; ++b) {
    const Index last = batch.lengths.length(b) - 1;
    for (Index t = 0; t <= last; ++t) {
      const float rating = quality(b, t) + user(b, 0) + noise(b, t);
      batch.features(b, t, 0) = quality(b, t);
      (t < last ? batch.features(b, t, 1) : batch.ratings(b, 0)) = rating;
    }
    batch.features(b, last, 2) = 1;
  }
  return batch;
}

}  // namespace

int main() {
  // The model composes layers that can be used alone as well: nn::LSTM (twice), nn::MultiHeadAttention, nn::Linear.
  heed::recsys::Seq2Seq model({.input_size = num_features, .hidden_size = 32, .num_heads = 4});
  heed::nn::initialize(model, heed::Random(1));
  heed::optim::Adam adam(heed::nn::parameters(model), {.learning_rate = 3e-3f});
  std::printf("%td parameters\n", heed::nn::parameter_count(model));

  // With the causal mask, a step attends to itself and the steps before it. Padding needs no mask: the lengths say
  // which steps count, and nothing is computed for the others.
  const heed::Mask mask = heed::Mask::causal();

  heed::Tape tape({.training = true});
  const heed::Random random(2);
  constexpr std::uint64_t epochs = 5, steps = 100;
  for (std::uint64_t epoch = 1; epoch <= epochs; ++epoch) {
    double loss_sum = 0;
    for (std::uint64_t step = 0; step < steps; ++step) {
      const PaddedBatch batch = make_batch(random.fork("training").fork(epoch).fork(step));
      tape.clear();                                                  // forgets the step before, keeps its memory
      const auto x = tape.constant(batch.features);                  // [batch, time, features]
      const auto prediction = model.padded(x, batch.lengths, mask);  // [batch, 1]
      const auto loss = heed::mse_loss(prediction, tape.constant(batch.ratings));
      heed::backward(loss);
      adam.step();  // also sets the gradients to zero
      loss_sum += static_cast<double>(loss.item());
    }
    std::printf("epoch %d  loss %.3f\n", static_cast<int>(epoch), loss_sum / steps);
  }

  // Test: new users, on a tape that does not record, beside the baseline that predicts the item's quality.
  heed::Tape values({.record = false});
  double squares = 0, baseline = 0;
  constexpr int test_batches = 10;
  for (std::uint64_t i = 0; i < test_batches; ++i) {
    const PaddedBatch batch = make_batch(random.fork("test").fork(i));
    values.clear();
    const auto prediction = model.padded(values.constant(batch.features), batch.lengths, mask).value();
    for (Index b = 0; b < batch_size; ++b) {
      const float quality = batch.features(b, batch.lengths.length(b) - 1, 0), rating = batch.ratings(b, 0);
      squares += std::pow(prediction(b, 0) - rating, 2);
      baseline += std::pow(quality - rating, 2);
    }
  }
  constexpr double count = test_batches * batch_size;
  std::printf("test RMSE %.3f, baseline %.3f\n", std::sqrt(squares / count), std::sqrt(baseline / count));
}
