// SPDX-License-Identifier: Apache-2.0
// Once the largest batch has been seen, training and serving do not allocate, with one thread and with two.
#include <catch2/catch.hpp>

#include "heed/openmp.hpp"
#include "heed/ops/mse_loss.hpp"
#include "heed/optim/adam.hpp"
#include "heed/optim/clip.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "heed/recsys/models/seq2seq.hpp"
#include "heed/recsys/session.hpp"
#include "heed/recsys/trainer.hpp"
#include "recsys/small_logs.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::AttentionKind;
using recsys::AttentionRecommender;

constexpr AttentionKind kinds[] = {AttentionKind::none, AttentionKind::additive, AttentionKind::multi_head,
                                   AttentionKind::target};

AttentionRecommender<float> make(AttentionKind kind, bool pointer, bool next_basket = true) {
  AttentionRecommender<float> model(
      {.num_items = 40, .embed_dim = 8, .max_age = next_basket ? 32 : 0, .item_bias = true, .pointer = pointer},
      {.hidden_size = 12, .decoder = pointer, .attention = kind, .num_heads = 2});
  nn::initialize(model, Random(1));
  return model;
}

/// Counts the allocations of a training epoch.
template <class Model>
std::size_t training_allocations(Model& model, const data::Interactions& log, std::span<const data::Example> examples,
                                 bool next_basket, Executor& executor) {
  const auto parameters = nn::parameters(model);
  optim::Adam<float> adam(parameters, {.executor = &executor});
  Tape<float> tape({.training = true, .random = Random(2), .executor = &executor});
  data::Batch batch;
  std::uint64_t round = 0;
  return test::warm_allocations([&] {
    for (std::size_t at = 0; at < examples.size(); at += 45) {  // the last batch is smaller
      const auto some = examples.subspan(at, std::min<std::size_t>(45, examples.size() - at));
      if (next_basket) {
        batch.assign_next_basket(log, some, Random(++round));
      } else {
        batch.assign_every_position(log, some);
      }
      tape.clear();
      backward(model.loss(tape, batch));
      optim::clip_gradient_norm(parameters, 1.0);
      adam.step();
    }
  });
}

/// Counts the allocations of a session, from the first event to the fortieth.
template <class Model>
std::size_t serving_allocations(const Model& model, bool exclude_seen, Executor& executor) {
  recsys::Session<Model> session(model, {.max_length = 30, .exclude_seen = exclude_seen, .executor = &executor});
  Index best = 0;
  const std::size_t count = test::warm_allocations([&] {
    session.clear();
    for (data::Id i = 0; i < 40; ++i) {
      session.push(i % 17, i / 2);
      best += session.top_k(10)[0].item;
    }
  });
  CHECK(best >= 0);
  return count;
}

TEST_CASE("a warm training step of AttentionRecommender does not allocate") {
  const auto log = test::repeat_log(60, 40, 5);
  for (const int threads : {1, 2}) {
    OpenMpExecutor executor(threads);
    for (const bool next_basket : {true, false}) {
      const auto examples = test::examples_of_all(log, next_basket);
      for (const AttentionKind kind : kinds) {
        if (kind == AttentionKind::target && !next_basket) continue;
        for (const bool pointer : {true, false}) {
          INFO(threads << " threads, next basket " << next_basket << ", attention " << static_cast<int>(kind)
                       << ", pointer " << pointer);
          auto model = make(kind, pointer, next_basket);
          CHECK(training_allocations(model, log, examples, next_basket, executor) == 0);
        }
      }
    }
  }
}

TEST_CASE("a warm training step of Seq2Seq on padded batches does not allocate") {
  for (const int threads : {1, 2}) {
    OpenMpExecutor executor(threads);
    recsys::Seq2Seq<float> model({.input_size = 5, .hidden_size = 16, .num_heads = 2});
    nn::initialize(model, Random(1));
    const auto parameters = nn::parameters(model);
    optim::Adam<float> adam(parameters, {.executor = &executor});
    Tape<float> tape({.training = true, .executor = &executor});
    const Segments large({9, 3, 0, 7, 9, 1, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}), small({4, 2});
    const Tensor<float> x = Tensor<float>::normal({18, 9, 5}, Random(3)), y = Tensor<float>::normal({18, 1}, Random(4));
    const auto step = [&] {
      for (const Segments* segments : {&large, &small}) {
        tape.clear();
        const Index count = segments->count();
        const auto input = tape.constant(TensorView<const float>(x.data(), {count, 9, 5}));
        const auto target = tape.constant(TensorView<const float>(y.data(), {count, 1}));
        backward(mse_loss(model.padded(input, *segments, Mask::causal()), target));
        optim::clip_gradient_norm(parameters, 1.0);
        adam.step();
      }
    };
    CHECK(test::warm_allocations(step) == 0);
  }
}

TEST_CASE("the training loop does not allocate from the second epoch on") {
  const auto log = test::repeat_log(60, 40, 5);
  const auto examples = data::next_basket_examples(log, test::all_train(log), 50);
  auto model = make(AttentionKind::additive, true);
  std::vector<std::size_t> counts;
  counts.reserve(100);
  recsys::TrainHooks hooks;
  hooks.fill = [&](data::Batch& batch, std::span<const data::Example> some, Random random) {
    batch.assign_next_basket(log, some, random);
  };
  hooks.validate = [] { return 0.0; };
  hooks.on_step = [&](const recsys::TrainProgress& progress) {
    if (progress.epoch == 3) counts.push_back(test::allocations());
    return true;
  };
  recsys::train(model, examples, hooks, {.batch_size = 24, .max_epochs = 3, .patience = 9, .clip_norm = 1});
  REQUIRE(counts.size() == 10);
  CHECK(counts.back() == counts.front());
}

TEST_CASE("a warm session does not allocate") {
  for (const int threads : {1, 2}) {
    OpenMpExecutor executor(threads);
    for (const AttentionKind kind : kinds) {
      for (const bool pointer : {true, false}) {
        INFO(threads << " threads, attention " << static_cast<int>(kind) << ", pointer " << pointer);
        const auto model = make(kind, pointer);
        CHECK(serving_allocations(model, pointer, executor) == 0);
      }
    }
  }
}

TEST_CASE("a warm training step and a warm session of SASRec do not allocate") {
  using Kind = recsys::NextItemLoss::Kind;
  const auto log = test::repeat_log(60, 40, 5);
  for (const int threads : {1, 2}) {
    OpenMpExecutor executor(threads);
    for (const bool next_basket : {true, false}) {
      const auto examples = test::examples_of_all(log, next_basket);
      for (const Kind kind : {Kind::softmax, Kind::sampled_softmax, Kind::bce, Kind::gbce}) {
        INFO(threads << " threads, next basket " << next_basket << ", loss " << static_cast<int>(kind));
        recsys::SASRec<float> model(
            {.num_items = 40,
             .embed_dim = 8,
             .max_length = 50,
             .loss = {.kind = kind, .negatives = 5, .popularity = 0.5, .exclude_history = true, .cosine = true}},
            {.num_heads = 2, .feedforward_dim = 12}, {.counts = std::vector<Index>(40, 3)});
        nn::initialize(model, Random(1));
        CHECK(training_allocations(model, log, examples, next_basket, executor) == 0);
        CHECK(serving_allocations(model, next_basket, executor) == 0);
      }
    }
  }
}

}  // namespace HEED_TEST_UNIT
