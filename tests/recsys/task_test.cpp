// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/task.hpp"

#include <cmath>
#include <numeric>

#include "heed/recsys/comparison.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;
using Model = AttentionRecommender<float>;

Model model_of(const data::Interactions& log) {
  Model model({.num_items = log.num_items(), .embed_dim = 8, .max_age = 32, .item_bias = true, .pointer = true},
              {.hidden_size = 16, .dropout = 0});
  nn::initialize(model, Random(1));
  return model;
}

TEST_CASE("both tasks split, fill and evaluate as documented", "[recsys][task]") {
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

TEST_CASE("fit learns repeated items, and keeps the best epoch", "[recsys][task]") {
  const auto log = test::repeat_log(40, 12, 5);
  const Task task(log, {.k = 1});
  Model model = model_of(log);
  const auto report = fit(model, task, {.batch_size = 20, .max_epochs = 12, .learning_rate = 0.02});
  REQUIRE(report.best_epoch > 0);
  BatchRanker<Model> ranker(model);
  const auto best = evaluate(log, task.split(), ranker, task.evaluation(HeldOut::validation)).all.mean().ndcg;
  CHECK(best == report.epochs[static_cast<std::size_t>(report.best_epoch - 1)].validation);
  CHECK(evaluate(log, task.split(), ranker, task.evaluation()).all.mean().hit_rate > 0.8);
}

TEST_CASE("a loss that requires counts gets them from the task's catalogue", "[recsys][task]") {
  const auto log = test::repeat_log(10, 12, 4);
  const Task task(log, {.k = 1});
  for (const bool in_batch : {true, false}) {
    const NextItemOptions options{.num_items = log.num_items(),
                                  .embed_dim = 4,
                                  .loss = {.kind = NextItemLoss::Kind::sampled_softmax,
                                           .negatives = 2,
                                           .popularity = in_batch ? 0 : 0.5,
                                           .in_batch = in_batch}};
    Model with(options, {.hidden_size = 4}, task.catalogue()), without(options, {.hidden_size = 4});
    for (Model* model : {&with, &without}) nn::initialize(*model, Random(1));
    CHECK(fit(with, task, {.max_epochs = 1}).epochs.size() == 1);
    CHECK(test::error_of<OptionError>([&] { fit(without, task, {.max_epochs = 1}); }).find("Task::catalogue") !=
          std::string::npos);
  }
}

TEST_CASE("without validation targets the training loss selects the epoch", "[recsys][task]") {
  data::InteractionsBuilder builder({});
  for (const char* user : {"ann", "bob"}) {
    for (const char* item : {"a", "b"}) builder.add(user, item);  // two events: both train
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

TEST_CASE("with repeated items only, there are validation targets for baskets alone", "[recsys][task]") {
  data::InteractionsBuilder builder({});
  for (const char* user : {"ann", "bob"}) {
    for (const char* item : {"a", "b", "a", "c"}) builder.add(user, item);
  }
  const auto log = std::move(builder).build();
  CHECK(Task(log).validates());
  CHECK_FALSE(Task(log, {.next_basket = false}).validates());
}

TEST_CASE("a task of single events keeps the history among candidates and targets on request", "[recsys][task]") {
  data::InteractionsBuilder builder({});
  for (const char* item : {"a", "b", "b", "a"}) builder.add("ann", item);  // takes both held-out items again
  for (const char* item : {"a", "c", "c", "b"}) builder.add("bob", item);  // takes the validation item again
  const auto log = std::move(builder).build();
  const Task without(log, {.next_basket = false, .k = 1}),
      with(log, {.next_basket = false, .keep_history = true, .k = 1});
  CHECK_FALSE(without.validates());
  CHECK(with.validates());
  const Popularity popularity(log, with.counted_ends(false));  // a twice, b and c once each
  const auto test_of = [&](const Task& task) {
    return evaluate(log, task.split(), ScoreRanker(popularity), task.evaluation());
  };
  using Items = std::vector<std::vector<data::Id>>;
  const Evaluation first_only = test_of(without), all = test_of(with);
  CHECK(first_only.users == std::vector<data::Id>{1});
  CHECK(first_only.lists == Items{{log.item("b")}});
  CHECK(first_only.all.mean().hit_rate == 1);
  CHECK(all.users == std::vector<data::Id>{0, 1});
  CHECK(all.targets == Items{{log.item("a")}, {log.item("b")}});
  CHECK(all.lists == Items{{log.item("a")}, {log.item("a")}});
  CHECK(all.all.mean().hit_rate == 0.5);
  CHECK(all.repeats.mean().hit_rate == 1);
  CHECK(all.firsts.mean().hit_rate == 0);
  // The area under the curve: ann's a is above all negatives, of bob there are none outside the history.
  CHECK(mean_auc(without, candidate_scorer(popularity)) == 0);
  CHECK(mean_auc(with, candidate_scorer(popularity)) > 0.5);
  // The training is validated on repeats, too.
  Model model = model_of(log);
  const auto report = fit(model, with, {.max_epochs = 1});
  CHECK(report.epochs.front().validation != -report.epochs.front().loss);
}

TEST_CASE("hooks of the caller replace those of the task, and a task without examples is an error", "[recsys][task]") {
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

TEST_CASE("a share of the users is trained on, all are evaluated") {
  const auto log = test::repeat_log(200, 12, 4);
  const Task all(log), half(log, {.learners = 0.5}), tenth(log, {.learners = 0.1});
  CHECK(half.examples().size() < all.examples().size());
  CHECK(half.examples().size() > all.examples().size() / 4);
  CHECK(tenth.examples().size() > 0);
  for (const auto& example : tenth.examples()) CHECK(half.learns(example.user));
  for (const auto& example : half.examples()) CHECK(half.learns(example.user));
  CHECK(half.split().test_end == all.split().test_end);
  const auto ends = half.counted_ends(true);
  for (data::Id u = 0; u < log.num_users(); ++u) {
    const auto at = static_cast<std::size_t>(u);
    CHECK(ends[at] == (half.learns(u) ? half.split().validation_end[at] : 0));
  }
  const auto counts = half.catalogue().counts;
  CHECK(std::accumulate(counts.begin(), counts.end(), Index{0}) == [&] {
    const auto train = half.counted_ends(false);
    return std::accumulate(train.begin(), train.end(), Index{0});
  }());
  CHECK_THROWS_AS(Task(log, {.learners = 0}), OptionError);
}

TEST_CASE("time windows: no training event is later than a target of any user") {
  // Users follow each other in time: the last event of one is long before the first of the next.
  data::InteractionsBuilder builder({.times = true});
  for (data::Id u = 0; u < 20; ++u) {
    for (Index t = 0; t < 10; ++t) {
      builder.add("user" + std::to_string(u), std::to_string((u + t) % 7), 3 * u + 2 * t);
    }
  }
  const auto log = std::move(builder).build();
  const auto validation = data::time_quantile(log, 0.6), test = data::time_quantile(log, 0.8);
  for (const bool next_basket : {true, false}) {
    const Task task(log, {.next_basket = next_basket, .cuts = {{validation, test}}});
    CHECK(task.validates());
    CHECK(task.evaluation().keep_history == next_basket);
    REQUIRE(task.examples().size() > 0);
    for (const auto& example : task.examples()) {
      CHECK(log.user(example.user).times[static_cast<std::size_t>(example.target_end) - 1] < validation);
    }
    std::vector<Index> counts(static_cast<std::size_t>(log.num_items()));
    for (std::size_t e = 0; e < log.items.size(); ++e) {
      if (log.times[e] < validation) ++counts[static_cast<std::size_t>(log.items[e])];
    }
    CHECK(task.catalogue().counts == counts);
    Index tested = 0;
    const auto check = [&](HeldOut held_out, std::int64_t from, std::int64_t to) {
      for_each_held_out(log, task.split(), held_out, next_basket, [&](const HeldOutUser& user) {
        const auto [past, targets] = user;
        for (const std::int64_t time : past.times) CHECK(time < from);
        const auto times = log.user(past.user).times, rest = times.subspan(past.times.size());
        CHECK(rest.front() >= from);
        CHECK(rest.front() < to);
        CHECK(targets.size() > 0);
        ++tested;
      });
    };
    check(HeldOut::validation, validation, test);
    check(HeldOut::test, test, 1000);
    CHECK(tested > 4);
  }
}

TEST_CASE("a task cannot be made of a temporary log") {
  STATIC_REQUIRE(std::is_constructible_v<Task, const data::Interactions&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Task, data::Interactions>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Task, data::Interactions, TaskOptions>);
}

TEST_CASE("invalid time windows are errors") {
  const auto log = test::repeat_log(5, 8, 4);
  const auto wrong = [&](std::int64_t validation, std::int64_t test) {
    return test::error_of<OptionError>(
        [&] { const Task task(log, {.cuts = {{.validation_time = validation, .test_time = test}}}); });
  };
  CHECK(wrong(3, 2) == "split_by_time: validation_time 3 is later than test_time 2");
  CHECK(wrong(3, 0) != "");
  CHECK(wrong(0, 0) == "");  // no sentinel: all events test
  CHECK(wrong(2, 3) == "");
  CHECK(wrong(-2, 3) == "");
  data::InteractionsBuilder builder({});
  for (const char* item : {"a", "b", "c"}) builder.add("ann", item);
  const auto untimed = std::move(builder).build();
  CHECK_THROWS_AS(Task(untimed, {.cuts = {{1, 2}}}), OptionError);
}

}  // namespace HEED_TEST_UNIT
