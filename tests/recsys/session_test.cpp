// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/session.hpp"

#include "heed/recsys/models/attention_recommender.hpp"
#include "nn/layers.hpp"
#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::AttentionKind;
using recsys::ScoredItem;
using recsys::Session;
using recsys::SessionOptions;
using test::error_of;
using Model = recsys::AttentionRecommender<float>;

Model make(AttentionKind kind = AttentionKind::additive) {
  Model model({.num_items = 12, .embed_dim = 4, .max_age = 32, .item_bias = true, .pointer = true},
              {.hidden_size = 6, .attention = kind, .num_heads = 2});
  nn::initialize(model, Random(1));
  // Large scores, so that ties cannot hide an error.
  for (const auto& named : nn::parameters(model)) nn::init_normal(*named.parameter, Random(2).fork(named.name), 0.7);
  return model;
}

std::vector<data::Id> items(std::span<const ScoredItem<float>> ranking) {
  std::vector<data::Id> out;
  for (const auto& entry : ranking) out.push_back(entry.item);
  return out;
}

TEST_CASE("a session recommends the same items as scoring the history in a batch") {
  for (const AttentionKind kind :
       {AttentionKind::none, AttentionKind::additive, AttentionKind::multi_head, AttentionKind::target}) {
    test::check_serves(make(kind));
  }
}

TEST_CASE("a session starts empty, grows, and can be cleared") {
  const Model model = make();
  Session<Model> session(model);
  const auto nothing = items(session.top_k(3));
  CHECK(nothing.size() == 3);
  session.push(4, 10);
  session.push(5, 10);
  const auto basket = items(session.top_k(12));
  CHECK(session.history().size() == 2);
  session.push(4, 20);
  CHECK(session.history().items[2] == 4);
  session.clear();
  CHECK(session.history().empty());
  CHECK(items(session.top_k(3)) == nothing);
  // The same events in two baskets are a different history.
  session.push(4, 10);
  const float one = session.top_k(1)[0].score;
  session.push(5, 11);
  CHECK(session.top_k(1)[0].score != one);
  session.clear();
  session.push(4, 10);
  session.push(5, 10);
  CHECK(items(session.top_k(12)) == basket);
}

TEST_CASE("a session uses only the last max_length events") {
  const Model model = make();
  Session<Model> all(model), cut(model, {.max_length = 2});
  for (const data::Id item : {7, 8, 9}) {
    all.push(item, item);
    cut.push(item, item);
  }
  CHECK(all.top_k(1)[0].score != cut.top_k(1)[0].score);
  Session<Model> newest(model);
  newest.push(8, 8);
  newest.push(9, 9);
  CHECK(newest.top_k(1)[0].score == cut.top_k(1)[0].score);
}

TEST_CASE("items that the user has taken can be excluded") {
  const Model model = make();
  Session<Model> session(model, {.max_length = 1, .exclude_seen = true});
  for (const data::Id item : {3, 3, 0, 11}) session.push(item, 0);
  const auto ranking = items(session.top_k(20));
  CHECK(ranking.size() == 9);
  for (const data::Id item : {3, 0, 11}) CHECK(std::count(ranking.begin(), ranking.end(), item) == 0);
  for (data::Id item = 0; item < 12; ++item) session.push(item, 1);
  CHECK(session.top_k(5).empty());
}

TEST_CASE("a session uses the kinds of events, as a batch does") {
  Model model({.num_items = 12, .embed_dim = 4, .num_kinds = 3}, {.hidden_size = 6});
  nn::initialize(model, Random(1));
  for (const auto& named : nn::parameters(model)) nn::init_normal(*named.parameter, Random(2).fork(named.name), 0.7);
  Session<Model> session(model, {.max_length = 2});
  std::vector<std::int32_t> past, kinds;
  for (data::Id i = 0; i < 9; ++i) {  // more events than a session keeps
    session.push(i % 5, i, i % 3);
    past.push_back(i % 5);
    kinds.push_back(i % 3);
    data::Batch batch;
    batch.assign_history({.items = past, .kinds = kinds}, 2);
    Tape<float> tape({.record = false});
    Tensor<float> scores({1, 12});
    model.score(tape, batch, scores.view());
    const auto best = session.top_k(1)[0];
    CHECK(best.score == scores(0, best.item));
  }
  CHECK(error_of<IndexError>([&] { session.push(1, 20); }) == "Session::push: kind -1 of 3");
  CHECK(error_of<IndexError>([&] { session.push(1, 20, 3); }) == "Session::push: kind 3 of 3");
  const Model plain = make();
  Session<Model> mixed(plain);
  mixed.push(1, 1);
  CHECK(error_of<OptionError>([&] { mixed.push(1, 2, 2); }) == "Session::push: kind 2 after events without kinds");
  CHECK(mixed.history().size() == 1);
}

TEST_CASE("a session is unchanged after an invalid event") {
  const Model model = make();
  Session<Model> session(model);
  session.push(1, 5);
  CHECK(error_of<IndexError>([&] { session.push(12, 6); }) == "Session::push: item 12 of a catalogue of 12");
  CHECK(error_of<IndexError>([&] { session.push(-1, 6); }) != "");
  CHECK(error_of<OptionError>([&] { session.push(2, 4); }) == "Session::push: time 4 after time 5");
  CHECK(error_of<OptionError>([&] { session.top_k(0); }) == "Session::top_k: k 0 must be positive");
  CHECK(session.history().size() == 1);
  CHECK(error_of<OptionError>([&] { Session<Model>(model, {.max_length = -1}); }) == "Session: max_length -1");
}

TEST_CASE("a session cannot be made of a temporary model") {
  STATIC_REQUIRE(std::is_constructible_v<Session<Model>, const Model&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Session<Model>, Model>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Session<Model>, const Model, SessionOptions>);
}

}  // namespace HEED_TEST_UNIT
