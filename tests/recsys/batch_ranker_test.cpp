// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/batch_ranker.hpp"

#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/session.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace {

using namespace heed;
using namespace heed::recsys;
using Model = AttentionRecommender<float>;
using Lists = std::vector<std::vector<std::int32_t>>;

struct Setting {
  data::Interactions log = test::repeat_log(9, 12, 4);
  Model model{{.num_items = 12, .embed_dim = 8, .max_age = 32, .item_bias = true, .pointer = true}, {.hidden_size = 8}};
  std::vector<data::Example> histories;

  Setting() {
    nn::initialize(model, Random(1));
    for (Index u = 1; u < log.num_users(); ++u) histories.push_back({.user = u, .end = log.length(u) - 2});
  }
};

}  // namespace

TEST_CASE("a ranking depends neither on its batch nor on the session's way to it", "[recsys][batch_ranker]") {
  const Setting s;
  const Lists one = BatchRanker<Model>(s.model, {.batch_size = 1}).lists(s.log, s.histories, 5, true);
  const Lists all = BatchRanker<Model>(s.model, {.batch_size = 64}).lists(s.log, s.histories, 5, true);
  const Lists four = BatchRanker<Model>(s.model, {.batch_size = 4}).lists(s.log, s.histories, 5, true);
  REQUIRE(one.size() == 9);
  CHECK(one == all);
  CHECK(one == four);
  Session<Model> session(s.model);
  for (std::size_t b = 0; b < s.histories.size(); ++b) {
    session.clear();
    for (std::size_t i = 0; i < static_cast<std::size_t>(s.histories[b].end); ++i) {
      session.push(s.log.user(s.histories[b].user)[i], s.log.user_times(s.histories[b].user)[i]);
    }
    std::vector<std::int32_t> served;
    for (const auto& [item, score] : session.top_k(5)) served.push_back(static_cast<std::int32_t>(item));
    CHECK(served == one[b]);
  }
}

TEST_CASE("the whole history is left out, also the part that the model does not see", "[recsys][batch_ranker]") {
  const Setting s;
  BatchRanker<Model> ranker(s.model, {.max_length = 1});
  const Lists kept = ranker.lists(s.log, s.histories, 100, true), others = ranker.lists(s.log, s.histories, 100, false);
  for (std::size_t b = 0; b < s.histories.size(); ++b) {
    const auto past = distinct(s.log.user(s.histories[b].user).first(static_cast<std::size_t>(s.histories[b].end)));
    CHECK(kept[b].size() == 12);
    CHECK(others[b].size() == 12 - past.size());
    for (const std::int32_t item : others[b]) CHECK_FALSE(std::binary_search(past.begin(), past.end(), item));
  }
  CHECK(ranker.lists(s.log, s.histories, 0, true) == Lists(9));
}

TEST_CASE("its evaluation is that of the same lists, one by one", "[recsys][batch_ranker]") {
  const Setting s;
  const auto split = data::last_basket(s.log);
  for (const bool keep_history : {true, false}) {
    for (const auto held_out : {HeldOut::validation, HeldOut::test}) {
      const EvaluateOptions options{.k = 3, .held_out = held_out, .keep_history = keep_history};
      BatchRanker<Model> ranker(s.model, {.batch_size = 4});
      const Evaluation batched = ranker.evaluate(s.log, split, options);
      BatchRanker<Model> single(s.model);
      const auto rank = [&](const History& past, Index) {
        const data::Example example{.user = past.user, .end = past.size()};
        return single.lists(s.log, std::span(&example, 1), options.k, keep_history).front();
      };
      const Evaluation one_by_one = evaluate(s.log, split, rank, options);
      CHECK(batched.users == one_by_one.users);
      CHECK(batched.all.ndcg == one_by_one.all.ndcg);
      CHECK(batched.coverage == one_by_one.coverage);
      CHECK(ranker.capacity() > 0);
    }
  }
}

TEST_CASE("bad sizes are errors", "[recsys][batch_ranker]") {
  const Setting s;
  CHECK_THROWS_AS(BatchRanker<Model>(s.model, {.batch_size = 0}), OptionError);
  CHECK_THROWS_AS(BatchRanker<Model>(s.model, {.max_length = -1}), OptionError);
}
