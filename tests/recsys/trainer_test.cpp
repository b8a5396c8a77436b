// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/trainer.hpp"

#include <numeric>
#include <set>

#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "heed/recsys/task.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::EpochReport;
using recsys::TrainHooks;
using recsys::TrainOptions;
using recsys::TrainProgress;
using test::error_of;
using Model = recsys::AttentionRecommender<float>;

struct Setting {
  data::Interactions log = test::circle_log(24, 8, 10);
  std::vector<data::Example> examples = data::every_position_examples(log, test::all_train(log), 50);
  Model model{{.num_items = 8, .embed_dim = 8, .max_age = 0, .item_bias = true, .pointer = false},
              {.hidden_size = 16, .dropout = 0.1}};
  TrainHooks hooks;

  Setting() {
    nn::initialize(model, Random(1));
    hooks.fill = [this](data::Batch& batch, std::span<const data::Example> some, Random) {
      batch.assign_every_position(log, some);
    };
    hooks.validate = [] { return 0.0; };
  }
  recsys::TrainReport train(const TrainOptions& options) { return recsys::train(model, examples, hooks, options); }
  Tensor<float> weights() { return model.input.items.weight.value(); }
};

/// Returns the weights after training in which every epoch is the best so far.
Tensor<float> weights_after(const TrainOptions& options) {
  Setting s;
  s.hooks.validate = [n = 0.0]() mutable { return ++n; };
  s.train(options);
  return s.weights();
}

TEST_CASE("training reduces the loss, and reports it") {
  Setting s;
  std::vector<TrainProgress> steps;
  s.hooks.validate = [n = 0.0]() mutable { return ++n; };
  s.hooks.on_step = [&](const TrainProgress& progress) {
    steps.push_back(progress);
    return true;
  };
  const auto report = s.train({.batch_size = 10, .max_epochs = 12, .learning_rate = 0.02});
  REQUIRE(report.epochs.size() == 12);
  CHECK(report.epochs.front().loss == Approx(std::log(8.0)).epsilon(0.15));
  CHECK(report.epochs.back().loss < 0.5 * report.epochs.front().loss);
  CHECK(report.best_epoch == 12);
  CHECK(!report.interrupted);
  REQUIRE(steps.size() == 36);  // 24 examples in batches of 10: three steps per epoch
  CHECK(steps[0].epoch == 1);
  CHECK(steps[0].examples == 10);
  CHECK(steps[2].examples == 24);
  CHECK(steps[2].examples_in_epoch == 24);
  CHECK(steps[3].epoch == 2);
  CHECK(steps[2].loss == report.epochs[0].loss);
  CHECK(steps[2].tokens_per_second > 0);
  CHECK(report.epochs[3].epoch == 4);
}

TEST_CASE("an epoch's seconds are reported by phase, without those of the caller's hooks") {
  Setting s;
  double time = 0;  // every reading adds a second; each call below adds its own time
  s.hooks.now = [&] { return time += 1; };
  const auto fill = s.hooks.fill;
  s.hooks.fill = [&](data::Batch& batch, std::span<const data::Example> some, Random random) {
    time += 100;
    fill(batch, some, random);
  };
  s.hooks.validate = [&, n = 0.0]() mutable {
    time += 1000;
    return ++n;
  };
  s.hooks.on_step = [&](const TrainProgress&) {
    time += 1e6;
    return true;
  };
  const auto report = s.train({.batch_size = 12, .max_epochs = 2});
  REQUIRE(report.epochs.size() == 2);
  for (const EpochReport& epoch : report.epochs) {  // 24 examples in batches of 12: two steps
    CHECK(epoch.seconds.batches == 2 * 101);
    CHECK(epoch.seconds.forward == 2);
    CHECK(epoch.seconds.backward == 2);
    CHECK(epoch.seconds.update == 2 + 1);  // and one more at the end of the epoch
    CHECK(epoch.seconds.validation == 1001);
    CHECK(epoch.seconds.training() == 209);
  }
}

TEST_CASE("every example once per epoch, in an order that depends on the seed and the epoch") {
  Setting s;
  std::vector<Index> users;
  std::set<std::uint64_t> streams;
  const auto fill = s.hooks.fill;
  s.hooks.fill = [&](data::Batch& batch, std::span<const data::Example> some, Random random) {
    for (const auto& example : some) users.push_back(example.user);
    streams.insert(random.uint64(0));
    fill(batch, some, random);
  };
  const auto order = [&](std::uint64_t seed) {
    users.clear();
    s.train({.batch_size = 7, .max_epochs = 2, .random = Random(seed)});
    return users;
  };
  const auto one = order(1);
  REQUIRE(one.size() == 48);
  const std::vector<Index> first(one.begin(), one.begin() + 24), second(one.begin() + 24, one.end());
  CHECK(std::set(first.begin(), first.end()).size() == 24);
  CHECK(std::set(second.begin(), second.end()).size() == 24);
  CHECK(first != second);
  CHECK(streams.size() == 8);  // each batch of each epoch has its own random stream
  CHECK(order(1) == one);
  CHECK(order(2) != one);
}

TEST_CASE("the same seed gives the same weights, another seed or clipping gives others") {
  const Tensor<float> once = weights_after({.max_epochs = 2, .random = Random(1)});
  CHECK(test::same(weights_after({.max_epochs = 2, .random = Random(1)}).view(), once.view()));
  CHECK(!test::same(weights_after({.max_epochs = 2, .random = Random(2)}).view(), once.view()));
  CHECK(!test::same(weights_after({.max_epochs = 2, .clip_norm = 1e-6, .random = Random(1)}).view(), once.view()));
}

TEST_CASE("lazy rows give the same weights, in the best epoch, at the end and after an exception") {
  using Kind = recsys::NextItemLoss::Kind;
  const auto log = test::circle_log(40, 300, 9);
  const recsys::Task task(log, {.next_basket = false});
  const auto trained = [&](bool lazy, Kind kind, bool cosine, Index fails_at) {
    recsys::SASRec<float> model(
        {.num_items = 300, .embed_dim = 8, .loss = {.kind = kind, .negatives = 3, .popularity = 0.5, .cosine = cosine}},
        {.num_blocks = 1, .feedforward_dim = 8});
    nn::initialize(model, Random(1));
    TrainOptions options{.batch_size = 4, .max_epochs = 4, .patience = 9, .learning_rate = 0.01, .clip_norm = 0.5};
    if (lazy) options.lazy_rows = optim::under("items");
    TrainHooks hooks;
    std::vector<double> figures = {1, 3, 2, 0};
    hooks.validate = [&, epoch = std::size_t{0}]() mutable {
      const auto predicted = [&] {  // the rows of the model are up to date
        Tape<float> tape({.record = false});
        Tensor<float> scores({1, 300});
        data::Batch batch;
        const std::vector<std::int32_t> history = {1, 2, 3};
        batch.assign_history({.items = history}, 100);
        model.score(tape, batch, scores.view());
        return static_cast<double>(scores(0, 17));
      };
      return figures.at(epoch++) + predicted();
    };
    Index steps = 0;
    hooks.on_step = [&](const TrainProgress&) {
      if (++steps == fails_at) throw std::runtime_error("enough");
      return true;
    };
    try {
      recsys::fit(model, task, options, hooks);
    } catch (const std::runtime_error&) {
    }
    std::vector<Tensor<float>> out;
    for (const auto& named : nn::parameters(model)) out.push_back(named.parameter->value());
    return out;
  };
  for (const Kind kind : {Kind::softmax, Kind::sampled_softmax, Kind::bce}) {
    for (const bool cosine : {false, true}) {
      for (const Index fails_at : {-1, 15, 5}) {
        INFO("loss " << static_cast<int>(kind) << ", cosine " << cosine << ", fails at " << fails_at);
        const auto lazy = trained(true, kind, cosine, fails_at), dense = trained(false, kind, cosine, fails_at);
        for (std::size_t i = 0; i < lazy.size(); ++i) CHECK(test::same(lazy[i].view(), dense[i].view()));
      }
    }
  }
}

TEST_CASE("training stops after patience, and the model has the weights of its best epoch") {
  Setting s;
  const std::vector<double> figures = {0.1, 0.5, 0.5, 0.3, 0.4, 0.9};
  std::vector<Tensor<float>> weights;
  std::vector<bool> best;
  s.hooks.validate = [&] { return figures.at(weights.size()); };
  s.hooks.on_epoch = [&](const EpochReport& epoch) {
    weights.push_back(s.weights());
    best.push_back(epoch.best);
    return true;
  };
  const auto report = s.train({.max_epochs = 20, .patience = 3});
  REQUIRE(report.epochs.size() == 5);
  CHECK(report.best_epoch == 2);
  CHECK(best == std::vector<bool>{true, true, false, false, false});
  CHECK(test::same(s.weights().view(), weights[1].view()));
  CHECK(!test::same(s.weights().view(), weights[4].view()));
}

TEST_CASE("an interruption ends the training without another validation, with the best weights so far") {
  Setting s;
  int validations = 0, steps = 0;
  Tensor<float> validated;
  s.hooks.validate = [&] {
    validated = s.weights();
    return static_cast<double>(++validations);
  };
  s.hooks.on_step = [&](const TrainProgress&) { return ++steps < 5; };
  const auto report = s.train({.batch_size = 10, .max_epochs = 20});
  CHECK(report.interrupted);
  CHECK(steps == 5);
  CHECK(validations == 1);
  REQUIRE(report.epochs.size() == 1);
  CHECK(report.best_epoch == 1);
  CHECK(test::same(s.weights().view(), validated.view()));
}

TEST_CASE("interrupted before the first validation, the model has the weights of the last step") {
  Setting s;
  Tensor<float> last;
  s.hooks.on_step = [&](const TrainProgress& progress) {
    last = s.weights();
    return progress.examples < 20;
  };
  const auto report = s.train({.batch_size = 10});
  CHECK(report.interrupted);
  CHECK(report.epochs.empty());
  CHECK(report.best_epoch == 0);
  CHECK(test::same(s.weights().view(), last.view()));
}

TEST_CASE("on_epoch can end the training") {
  Setting s;
  s.hooks.on_epoch = [](const EpochReport& epoch) { return epoch.epoch < 2; };
  const auto report = s.train({.patience = 9});
  CHECK(report.epochs.size() == 2);
  CHECK(!report.interrupted);
}

TEST_CASE("without the hook validate the figure is the negative training loss") {
  Setting s;
  s.hooks.validate = nullptr;
  const auto report = s.train({.max_epochs = 2, .learning_rate = 0.01});
  for (const EpochReport& epoch : report.epochs) CHECK(epoch.validation == -epoch.loss);
  CHECK(report.best_epoch == 2);
}

TEST_CASE("a validation figure that is not finite, or a failing epoch, leaves the weights of the best epoch") {
  for (const double wrong : {double(NAN), double(INFINITY), -double(INFINITY)}) {
    Setting s;
    std::vector<Tensor<float>> weights;
    s.hooks.validate = [&] {
      weights.push_back(s.weights());
      return weights.size() < 3 ? static_cast<double>(weights.size()) : wrong;
    };
    CHECK(error_of<Error>([&] { s.train({.max_epochs = 9}); }) ==
          message("train: the validation figure is ", wrong, " in epoch 3"));
    CHECK(test::same(s.weights().view(), weights[1].view()));
  }
  Setting s;
  Tensor<float> sixth;
  s.hooks.validate = [&, epoch = 0.0]() mutable { return ++epoch; };
  s.hooks.on_epoch = [&](const EpochReport& epoch) {
    if (epoch.epoch == 6) sixth = s.weights();
    return true;
  };
  s.hooks.on_step = [](const TrainProgress& progress) {
    if (progress.epoch == 7) fail("hook", "enough");
    return true;
  };
  CHECK(error_of<Error>([&] { s.train({.batch_size = 10}); }) == "hook: enough");
  CHECK(test::same(s.weights().view(), sixth.view()));
}

TEST_CASE("a training runs once: after an interruption its weights are the best, not those to continue with") {
  Setting s;
  Index steps = 0;
  s.hooks.on_step = [&](const TrainProgress&) { return ++steps != 4; };
  recsys::Training<Model> stopped(s.model, s.examples, {.batch_size = 10, .max_epochs = 3});
  CHECK(stopped.run(s.hooks).interrupted);
  CHECK_THROWS_AS(stopped.run(s.hooks), StateError);
  CHECK_THROWS_AS(stopped.position(), StateError);

  recsys::Training<Model> whole(s.model, s.examples, {.batch_size = 10, .max_epochs = 3});
  CHECK(whole.run(s.hooks).epochs.size() == 3);
  CHECK(whole.position().finished);
  CHECK(whole.optimizer().steps() == 9);
  s.hooks.fill = [](auto&&...) { fail("hook", "a finished training takes no step"); };
  CHECK(whole.run(s.hooks).epochs.size() == 3);
}

TEST_CASE("a training refuses a state that it cannot have, and is unchanged") {
  Setting s;
  recsys::Training<Model> training(s.model, s.examples, {.batch_size = 10, .max_epochs = 3, .patience = 2});
  const EpochReport first{.epoch = 1, .validation = 0.5, .best = true}, second{.epoch = 2, .validation = 0.4};
  const EpochReport third{.epoch = 3, .validation = 0.3};
  const auto refused = [&](std::vector<EpochReport> epochs, Index best, recsys::TrainPosition position, Index steps) {
    return error_of<OptionError>([&] { training.restore({std::move(epochs), best}, position, steps); }) != "";
  };
  CHECK(refused({}, 0, {.batches = -1}, 0));
  CHECK(refused({}, 0, {.batches = 4, .examples = 24}, 4));  // an epoch has three batches
  CHECK(refused({}, 0, {.batches = 1, .examples = 11}, 1));
  CHECK(refused({}, 0, {.batches = 1, .examples = 10, .tokens = -1}, 1));
  CHECK(refused({}, 0, {.batches = 1, .examples = 10}, 0));
  CHECK(refused({}, 0, {}, 1));
  CHECK(refused({}, 0, {}, -1));
  CHECK(refused({}, 0, {.finished = true}, 0));
  CHECK(refused({first}, 0, {}, 3));
  CHECK(refused({first, second}, 2, {}, 6));
  CHECK(refused({second}, 1, {}, 3));
  CHECK(refused({first, second}, 1, {.batches = 2, .examples = 20}, 7));  // six in two epochs, and two
  CHECK(refused({first, second}, 1, {.batches = 2, .examples = 20}, 9));
  CHECK(refused({first, second, third}, 1, {}, 9));  // patience has ended it
  CHECK(refused({first, second, third, second}, 1, {.finished = true}, 9));
  CHECK(training.position().batches == 0);
  CHECK(training.report().epochs.empty());
  CHECK(!refused({first, second}, 1, {.batches = 2, .examples = 20}, 8));
  CHECK_THROWS_AS(training.restore({}, {}, 0), StateError);  // it has begun
}

TEST_CASE("the steps of a state with batches by tokens are those of its epochs") {
  Setting s;
  std::vector<Index> steps;  // at the end of each epoch
  for (std::size_t i = 0; i < s.examples.size(); ++i) {
    s.examples[i].begin = s.examples[i].end - 1 - static_cast<Index>(i % 5);
  }
  const TrainOptions options{.max_tokens = 7, .max_epochs = 6};
  {
    recsys::Training<Model> training(s.model, s.examples, options);
    s.hooks.validate = [&] { return static_cast<double>(training.optimizer().steps()); };
    for (const EpochReport& epoch : training.run(s.hooks).epochs) steps.push_back(static_cast<Index>(epoch.validation));
  }
  CHECK(steps[5] != 6 * steps[0]);
  const EpochReport first{.epoch = 1, .validation = 1, .best = true}, second{.epoch = 2, .validation = 2, .best = true};
  for (const Index wrong : {-1, 1, 0}) {
    recsys::Training<Model> training(s.model, s.examples, options);
    const bool refused = error_of<OptionError>([&] {
                           training.restore({{first, second}, 2}, {}, steps[1] + wrong);
                         }) != "";
    CHECK(refused == (wrong != 0));
  }
}

TEST_CASE("batches by tokens: every example once per epoch, and at most max_tokens") {
  Setting s;
  std::vector<std::size_t> sizes;
  Index most = 0;
  s.hooks.fill = [&, fill = s.hooks.fill](data::Batch& batch, std::span<const data::Example> some, Random random) {
    fill(batch, some, random);
    sizes.push_back(some.size());
    most = std::max(most, batch.segments.tokens());
  };
  const auto report = s.train({.max_tokens = 30, .max_epochs = 1});
  CHECK(most <= 30);
  CHECK(most > 20);
  CHECK(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) == s.examples.size());
  CHECK(report.epochs.size() == 1);
}

TEST_CASE("the learning rate warms up and decays") {
  const TrainOptions plain{.batch_size = 4, .max_epochs = 5};
  auto warm = plain, warmer = plain, falling = plain;
  const Index steps = (std::ssize(Setting().examples) + 3) / 4 * 5;
  REQUIRE(steps >= 20);
  warm.warm_up = steps / 10;
  warmer.warm_up = 1000;  // limited to a tenth of the steps
  falling.decay = optim::Decay::cosine;
  const auto reference = weights_after(plain);
  CHECK((weights_after(warmer).array() == weights_after(warm).array()).all());
  CHECK((weights_after(warm).array() != reference.array()).any());
  CHECK((weights_after(falling).array() != reference.array()).any());
}

TEST_CASE("training rejects invalid arguments") {
  Setting s;
  CHECK(error_of<OptionError>([&] { recsys::train(s.model, {}, s.hooks, {}); }) == "train: no examples to learn from");
  CHECK(error_of<OptionError>([&] { s.train({.batch_size = 0}); }) ==
        "train: batch_size 0, max_epochs 20 and patience 3 must be positive, max_tokens 0 not negative");
  CHECK(error_of<OptionError>([&] { s.train({.patience = 0}); }) != "");
  CHECK(error_of<OptionError>([&] { recsys::train(s.model, s.examples, {}, {}); }) ==
        "train: the hook fill is required");
  s.model.item_bias.value()(0) = NAN;
  CHECK(error_of<Error>([&] { s.train({}); }) == "train: the loss is nan in epoch 1 after 0 examples");
}

}  // namespace HEED_TEST_UNIT
