// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/task.hpp"

#include <numeric>

#include "heed/recsys/models/attention_recommender.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace {

using namespace heed;
using namespace heed::recsys;
using Model = AttentionRecommender<float>;

Model model_of(const data::Interactions& log) {
  Model model({.num_items = log.num_items(), .embed_dim = 8, .max_age = 32, .item_bias = true, .pointer = true},
              {.hidden_size = 16, .dropout = 0});
  nn::initialize(model, Random(1));
  return model;
}

}  // namespace

TEST_CASE("the two tasks split, fill and measure as they say", "[recsys][task]") {
  const auto log = test::repeat_log(5, 8, 4);
  const Task baskets(log, {.next_basket = true, .max_length = 3});
  CHECK(baskets.split().test_end == data::last_basket(log).test_end);
  CHECK(baskets.split().train_end == data::last_basket(log).train_end);
  CHECK(baskets.evaluation().keep_history);
  CHECK(baskets.evaluation(HeldOut::validation).held_out == HeldOut::validation);
  CHECK(baskets.validates());
  data::Batch batch;
  baskets.fill(batch, baskets.examples(), Random(1));
  CHECK(batch.segments.max_length() <= 3);
  CHECK(batch.query_segments.tokens() == batch.segments.count());

  const Task positions(log, {.next_basket = false});
  CHECK(positions.split().train_end == data::leave_one_out(log).train_end);
  CHECK_FALSE(positions.evaluation().keep_history);
  positions.fill(batch, positions.examples(), Random(1));
  CHECK(batch.query_segments == batch.segments);
}

TEST_CASE("fit learns what comes back, and keeps the best epoch", "[recsys][task]") {
  const auto log = test::repeat_log(40, 12, 5);
  const Task task(log, {.k = 1});
  Model model = model_of(log);
  const auto report = fit(model, task, {.batch_size = 20, .max_epochs = 12, .learning_rate = 0.02});
  REQUIRE(report.best_epoch > 0);
  BatchRanker<Model> ranker(model);
  const auto best = ranker.evaluate(log, task.split(), task.evaluation(HeldOut::validation)).all.mean().ndcg;
  CHECK(best == report.epochs[static_cast<std::size_t>(report.best_epoch - 1)].validation);
  CHECK(ranker.evaluate(log, task.split(), task.evaluation()).all.mean().hit_rate > 0.8);
}

TEST_CASE("without anybody to validate with, the training loss decides", "[recsys][task]") {
  data::InteractionsBuilder builder({});
  for (const char* user : {"ann", "bob"}) {
    for (const char* item : {"a", "b"}) builder.add(user, item);  // two events: all of them train
  }
  const auto log = std::move(builder).build();
  const Task task(log, {.next_basket = false});
  CHECK_FALSE(task.validates());
  Model model = model_of(log);
  Index steps = 0;
  TrainHooks hooks;
  hooks.on_step = [&](const TrainProgress&) { return ++steps > 0; };
  const auto report = fit(model, task, {.max_epochs = 3, .learning_rate = 0.01}, hooks);
  REQUIRE(report.epochs.size() == 3);
  CHECK(steps == 3);
  for (const auto& epoch : report.epochs) CHECK(epoch.validation == -epoch.loss);
  CHECK(report.best_epoch == 3);
}

TEST_CASE("hooks of the caller's own go before the task's; nothing to learn from is an error", "[recsys][task]") {
  const auto log = test::repeat_log(5, 8, 4);
  Model model = model_of(log);
  TrainHooks hooks;
  hooks.validate = [] { return 0.5; };
  CHECK(fit(model, Task(log), {.max_epochs = 1}, hooks).epochs.front().validation == 0.5);

  data::InteractionsBuilder builder({});
  builder.add("ann", "a");
  const auto one = std::move(builder).build();
  Model tiny = model_of(one);
  CHECK_THROWS_AS(fit(tiny, Task(one), {}), OptionError);
}

TEST_CASE("a share of the users is learned from, all are measured") {
  const auto log = test::repeat_log(200, 12, 4);
  const Task all(log), half(log, {.learners = 0.5}), tenth(log, {.learners = 0.1});
  CHECK(half.examples().size() < all.examples().size());
  CHECK(half.examples().size() > all.examples().size() / 4);
  CHECK(tenth.examples().size() > 0);
  for (const auto& example : tenth.examples()) CHECK(half.learns(example.user));
  for (const auto& example : half.examples()) CHECK(half.learns(example.user));
  CHECK(half.split().test_end == all.split().test_end);
  const auto ends = half.counted_ends(true);
  for (Index u = 0; u < log.num_users(); ++u) {
    const auto at = static_cast<std::size_t>(u);
    CHECK(ends[at] == (half.learns(u) ? half.split().validation_end[at] : 0));
  }
  const auto counts = half.item_counts();
  CHECK(std::accumulate(counts.begin(), counts.end(), Index{0}) == [&] {
    const auto train = half.counted_ends(false);
    return std::accumulate(train.begin(), train.end(), Index{0});
  }());
  CHECK_THROWS_AS(Task(log, {.learners = 0}), OptionError);
}
