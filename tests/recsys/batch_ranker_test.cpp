// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/batch_ranker.hpp"

#include "heed/recsys/evaluate.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/session.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;
using Model = AttentionRecommender<float>;
using Lists = std::vector<std::vector<data::Id>>;

struct Setting {
  data::Interactions log = test::repeat_log(9, 12, 4);
  Model model{{.num_items = 12, .embed_dim = 8, .max_age = 32, .item_bias = true, .pointer = true}, {.hidden_size = 8}};
  std::vector<data::History> histories;

  Setting() {
    nn::initialize(model, Random(1));
    for (data::Id u = 1; u < log.num_users(); ++u) histories.push_back(log.user(u).first(log.length(u) - 2));
  }
};

TEST_CASE("a ranking depends neither on the batch nor on the course of a session", "[recsys][batch_ranker]") {
  const Setting s;
  const Lists one = BatchRanker<Model>(s.model, {.batch_size = 1})(s.histories, {.k = 5});
  const Lists all = BatchRanker<Model>(s.model, {.batch_size = 64})(s.histories, {.k = 5});
  const Lists four = BatchRanker<Model>(s.model, {.batch_size = 4})(s.histories, {.k = 5});
  REQUIRE(one.size() == 9);
  CHECK(one == all);
  CHECK(one == four);
  Session<Model> session(s.model);
  for (std::size_t b = 0; b < s.histories.size(); ++b) {
    session.clear();
    for (std::size_t i = 0; i < s.histories[b].items.size(); ++i) {
      session.push(s.histories[b].items[i], s.histories[b].times[i]);
    }
    std::vector<data::Id> served;
    for (const auto& [item, score] : session.top_k(5)) served.push_back(item);
    CHECK(served == one[b]);
  }
}

TEST_CASE("the whole history is excluded, including the part that the model does not see", "[recsys][batch_ranker]") {
  const Setting s;
  BatchRanker<Model> ranker(s.model, {.max_length = 1});
  const Lists kept = ranker(s.histories, {.k = 100}), others = ranker(s.histories, {.k = 100, .keep_history = false});
  for (std::size_t b = 0; b < s.histories.size(); ++b) {
    const auto past = data::distinct(s.histories[b].items);
    CHECK(kept[b].size() == 12);
    CHECK(others[b].size() == 12 - past.size());
    for (const data::Id item : others[b]) CHECK_FALSE(std::binary_search(past.begin(), past.end(), item));
  }
  CHECK(ranker(s.histories, {.k = 0}) == Lists(9));
}

TEST_CASE("evaluating in batches equals evaluating one user at a time", "[recsys][batch_ranker]") {
  const Setting s;
  const auto split = data::last_basket(s.log);
  for (const bool keep_history : {true, false}) {
    for (const auto held_out : {HeldOut::validation, HeldOut::test}) {
      const EvaluateOptions options{.k = 3, .held_out = held_out, .keep_history = keep_history};
      BatchRanker<Model> ranker(s.model, {.batch_size = 4});
      const Evaluation batched = evaluate(s.log, split, ranker, options);
      BatchRanker<Model> single(s.model);
      const auto rank = [&](std::span<const data::History> pasts, const RankOptions& each) {
        Lists out;
        for (const data::History& past : pasts) out.push_back(single(std::span(&past, 1), each).front());
        return out;
      };
      const Evaluation one_by_one = evaluate(s.log, split, rank, options);
      CHECK(batched.users == one_by_one.users);
      CHECK(batched.all.ndcg == one_by_one.all.ndcg);
      CHECK(batched.coverage == one_by_one.coverage);
      CHECK(ranker.capacity() > 0);
    }
  }
}

TEST_CASE("invalid sizes are errors", "[recsys][batch_ranker]") {
  const Setting s;
  CHECK_THROWS_AS(BatchRanker<Model>(s.model, {.batch_size = 0}), OptionError);
  CHECK_THROWS_AS(BatchRanker<Model>(s.model, {.max_length = -1}), OptionError);
}

TEST_CASE("a ranker cannot be made of a temporary model", "[recsys][batch_ranker]") {
  STATIC_REQUIRE(Ranker<BatchRanker<Model>>);
  STATIC_REQUIRE(std::is_constructible_v<BatchRanker<Model>, const Model&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<BatchRanker<Model>, Model>);
}

}  // namespace HEED_TEST_UNIT
