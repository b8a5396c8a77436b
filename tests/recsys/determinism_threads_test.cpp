// SPDX-License-Identifier: Apache-2.0
// The weights after 200 steps are bitwise equal with 1, 2 and 4 threads, and for ragged and padded batches.
#include <catch2/catch.hpp>
#include <cstring>

#include "heed/openmp.hpp"
#include "heed/ops/mse_loss.hpp"
#include "heed/optim/adam.hpp"
#include "heed/optim/clip.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "heed/recsys/models/seq2seq.hpp"
#include "heed/recsys/trainer.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::AttentionKind;
using recsys::AttentionRecommender;

constexpr int steps = 200;

/// Returns all weights, concatenated.
template <class Model>
std::vector<float> weights(Model& model) {
  std::vector<float> out;
  for (const auto& named : nn::parameters(model)) {
    const auto& value = named.parameter->value();
    out.insert(out.end(), value.data(), value.data() + value.size());
  }
  return out;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Returns the weights of a model of 150 items after training.
template <class Model>
std::vector<float> train(Model model, bool next_basket, Executor* executor) {
  const auto log = test::repeat_log(100, 150, 4);
  const auto split = test::all_train(log);
  nn::initialize(model, Random(1));
  const auto examples =
      next_basket ? data::next_basket_examples(log, split, 50) : data::every_position_examples(log, split, 50);
  Index done = 0;
  recsys::TrainHooks hooks;
  hooks.fill = [&](data::Batch& batch, std::span<const data::Example> some, Random random) {
    if (next_basket) {
      batch.assign_next_basket(log, some, random);
    } else {
      batch.assign_every_position(log, some);
    }
  };
  hooks.validate = [&] { return static_cast<double>(done); };
  hooks.on_step = [&](const recsys::TrainProgress&) { return ++done < steps; };
  recsys::train(model, examples, hooks,
                {.batch_size = 48, .max_epochs = steps, .clip_norm = 1, .random = Random(5), .executor = executor});
  REQUIRE(done == steps);
  return weights(model);
}

std::vector<float> train_recommender(AttentionKind kind, bool next_basket, Executor* executor) {
  return train(AttentionRecommender<float>({.num_items = 150,
                                            .embed_dim = 16,
                                            .max_age = next_basket ? 32 : 0,
                                            .item_bias = true,
                                            .pointer = next_basket},
                                           {.hidden_size = 16, .attention = kind, .num_heads = 2}),
               next_basket, executor);
}

std::vector<float> train_sasrec(recsys::NextItemLoss::Kind kind, Executor* executor) {
  return train(recsys::SASRec<float>({.num_items = 150, .embed_dim = 16, .loss = {.kind = kind, .negatives = 20}},
                                     {.num_heads = 2, .feedforward_dim = 32}),
               false, executor);
}

std::vector<float> train_seq2seq(bool padded, Executor* executor) {
  recsys::Seq2Seq<float> model({.input_size = 6, .hidden_size = 24, .num_heads = 3});
  nn::initialize(model, Random(1));
  const auto parameters = nn::parameters(model);
  optim::Adam<float> adam(parameters, {.executor = executor});
  Tape<float> tape({.training = true, .executor = executor});
  const Index count = 24, time = 9;
  for (int step = 0; step < steps; ++step) {
    const Random random = Random(9).fork(static_cast<std::uint64_t>(step));
    std::vector<Index> lengths;
    for (Index b = 0; b < count; ++b) lengths.push_back(random.below(static_cast<std::uint64_t>(b), time + 1));
    const Segments segments(lengths);
    const Tensor<float> x = Tensor<float>::normal({segments.tokens(), 6}, random.fork("x"));
    tape.clear();
    Var<float> y;
    if (padded) {
      Tensor<float> wide = Tensor<float>::full({count, time, 6}, std::numeric_limits<float>::quiet_NaN());
      for (Index b = 0; b < count; ++b) {
        std::copy_n(x.data() + segments.begin(b) * 6, segments.length(b) * 6, wide.data() + b * time * 6);
      }
      y = model.padded(tape.constant(wide), segments, Mask::causal());
    } else {
      y = model(tape.constant(x), segments, Mask::causal());
    }
    backward(mse_loss(y, tape.constant(Tensor<float>::normal({count, 1}, random.fork("y")))));
    optim::clip_gradient_norm(parameters, 1.0);
    adam.step();
  }
  return weights(model);
}

/// Checks that the weights of `train(executor)` with 1, 2 and 4 threads equal those of the serial executor.
template <class Train>
std::vector<float> check_threads(const Train& train) {
  const std::vector<float> serial = train(nullptr);
  for (const int threads : {1, 2, 4}) {
    INFO(threads << " threads");
    OpenMpExecutor executor(threads);
    CHECK(same_bits(train(&executor), serial));
  }
  return serial;
}

TEST_CASE("AttentionRecommender: bitwise equal weights for any number of threads") {
  check_threads([](Executor* executor) { return train_recommender(AttentionKind::additive, true, executor); });
}

TEST_CASE("AttentionRecommender at every position: bitwise equal weights for any number of threads") {
  check_threads([](Executor* executor) { return train_recommender(AttentionKind::multi_head, false, executor); });
}

TEST_CASE("AttentionRecommender with target attention: bitwise equal weights for any number of threads") {
  check_threads([](Executor* executor) { return train_recommender(AttentionKind::target, true, executor); });
}

TEST_CASE("SASRec: bitwise equal weights for any number of threads, with every loss") {
  using Kind = recsys::NextItemLoss::Kind;
  for (const Kind kind : {Kind::softmax, Kind::sampled_softmax, Kind::gbce}) {
    INFO("loss " << static_cast<int>(kind));
    check_threads([&](Executor* executor) { return train_sasrec(kind, executor); });
  }
}

TEST_CASE("Seq2Seq: bitwise equal weights for any number of threads, ragged or padded") {
  const auto ragged = check_threads([](Executor* executor) { return train_seq2seq(false, executor); });
  const auto padded = check_threads([](Executor* executor) { return train_seq2seq(true, executor); });
  CHECK(same_bits(ragged, padded));
}

}  // namespace HEED_TEST_UNIT
