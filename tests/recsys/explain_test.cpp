// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/explain.hpp"

#include <numeric>

#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/models/ligr.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;
using Model = AttentionRecommender<double>;

Model make(AttentionKind attention, bool pointer) {
  Model model({.num_items = 7, .embed_dim = 4, .max_age = 32, .item_bias = true, .pointer = pointer},
              {.hidden_size = 4, .attention = attention, .num_heads = 2});
  nn::initialize(model, Random(5));
  return model;
}

const std::vector<std::int32_t> items{1, 2, 1, 5, 1, 6};
const std::vector<std::int64_t> times{10, 10, 20, 20, 30, 30};
const data::History past{.user = 0, .items = items, .times = times};

TEST_CASE("the parts of an explanation sum to the scores", "[recsys][explain]") {
  const Model model = make(AttentionKind::additive, true);
  Tape<double> tape({.record = false});
  const Explanation all = explain(model, tape, past, {.k = 7});
  REQUIRE(all.top.size() == 7);
  REQUIRE(all.weights.size() == 6);
  CHECK(std::accumulate(all.weights.begin(), all.weights.end(), 0.0) == Approx(1));
  double scores = 0, repeat = 0;
  for (std::size_t i = 0; i < 7; ++i) {
    const auto& [item, score, part] = all.top[i];
    scores += score;
    repeat += part;
    if (i > 0) CHECK(score <= all.top[i - 1].score);
    CHECK(part <= score);
    CHECK((part > 0) == (item == 1 || item == 2 || item == 5 || item == 6));
  }
  CHECK(scores == Approx(1));
  CHECK(repeat > 0);
  CHECK(repeat < 1);

  const auto weighed = weighed_items(past, all);
  REQUIRE(weighed.size() == 4);
  for (std::size_t i = 1; i < weighed.size(); ++i) CHECK(weighed[i].weight <= weighed[i - 1].weight);
  const auto one = std::find_if(weighed.begin(), weighed.end(), [](const WeighedItem& w) { return w.item == 1; });
  REQUIRE(one != weighed.end());
  CHECK(one->count == 3);
  CHECK(one->weight == Approx(all.weights[0] + all.weights[2] + all.weights[4]));
}

TEST_CASE("only events that the model sees have weights, and the history may be excluded", "[recsys][explain]") {
  const Model model = make(AttentionKind::additive, true);
  Tape<double> tape({.record = false});
  const Explanation seen = explain(model, tape, past, {.k = 7, .max_length = 2, .keep_history = false});
  CHECK(seen.begin == 4);
  CHECK(seen.weights.size() == 2);
  CHECK(seen.top.size() == 3);
  for (const auto& one : seen.top) CHECK((one.item == 0 || one.item == 3 || one.item == 4));
  const auto weighed = weighed_items(past, seen);
  REQUIRE(weighed.size() == 2);
  CHECK(weighed[0].item + weighed[1].item == 7);
}

TEST_CASE("without the repeat-aware head an explanation has the attention weights, if any", "[recsys][explain]") {
  Tape<double> tape({.record = false});
  for (const auto kind : {AttentionKind::additive, AttentionKind::multi_head, AttentionKind::target}) {
    const Explanation why = explain(make(kind, false), tape, past, {.k = 2});
    REQUIRE(why.weights.size() == 6);
    CHECK(why.top.front().repeat == 0);
    CHECK(std::accumulate(why.weights.begin(), why.weights.end(), 0.0) == Approx(1));
  }
  const Explanation why = explain(make(AttentionKind::none, false), tape, past, {.k = 2});
  CHECK(why.weights.empty());
  CHECK(weighed_items(past, why).empty());
}

/// Checks that `model` has weights of its last block for the six events that it sees, far from equal.
template <class M>
void check_last_block(M model) {
  nn::initialize(model, Random(5));
  for (const auto& named : nn::parameters(model)) nn::init_normal(*named.parameter, Random(2).fork(named.name), 1);
  Tape<double> tape({.record = false});
  const Explanation why = explain(model, tape, past, {.k = 7, .max_length = 6});
  REQUIRE(why.weights.size() == 6);
  CHECK(std::accumulate(why.weights.begin(), why.weights.end(), 0.0) == Approx(1));
  CHECK(*std::min_element(why.weights.begin(), why.weights.end()) < 0.9 / 6);
  // In a batch they are equal; at every position there are none, and requesting them does not change the scores.
  data::Batch batch;
  batch.assign_history({.items = items, .times = times}, 6);
  tape.clear();
  CHECK(model.predict(tape, batch).attention.operator bool() == false);
  CHECK(test::same(model.predict(tape, batch).queries.value(), model.predict(tape, batch, true).queries.value()));
  batch.query_segments = batch.segments;
  batch.query_rows = {0, 1, 2, 3, 4, 5};
  CHECK(model.predict(tape, batch, true).attention.operator bool() == false);
}

TEST_CASE("SASRec is explained by its last block, for every norm placement", "[recsys][explain]") {
  for (const auto norm : {nn::NormPlacement::pre, nn::NormPlacement::post, nn::NormPlacement::query}) {
    check_last_block(SASRec<double>({.num_items = 7, .embed_dim = 4, .max_length = 6},
                                    {.num_heads = 2, .feedforward_dim = 4, .norm = norm}));
  }
}

TEST_CASE("LiGR is explained by its last block", "[recsys][explain]") {
  check_last_block(LiGR<double>({.num_items = 7, .embed_dim = 4, .max_length = 6}, {.num_heads = 2}));
}

TEST_CASE("explain uses the kinds of events", "[recsys][explain]") {
  Model model({.num_items = 7, .embed_dim = 4, .num_kinds = 2}, {.hidden_size = 4});
  nn::initialize(model, Random(5));
  nn::init_normal(model.input.kinds->weight, Random(6), 1);
  Tape<double> tape({.record = false});
  const std::vector<std::int32_t> bought(6, 0), viewed(6, 1);
  data::History one = past, other = past;
  one.kinds = bought;
  other.kinds = viewed;
  CHECK(explain(model, tape, one).top[0].score != explain(model, tape, other).top[0].score);
  CHECK(test::error_of<OptionError>([&] { explain(model, tape, past); }) ==
        "HistoryInput: the batch has no kinds of event");
}

TEST_CASE("explain works for an empty history", "[recsys][explain]") {
  Tape<double> tape({.record = false});
  const Explanation why = explain(make(AttentionKind::additive, true), tape, {}, {.k = 3});
  CHECK(why.top.size() == 3);
  CHECK(why.weights.empty());
}

TEST_CASE("explain limits the history to the model's maximum length") {
  Model model({.num_items = 7, .embed_dim = 4, .max_length = 3, .pointer = true}, {.hidden_size = 4});
  nn::initialize(model, Random(5));
  Tape<double> tape;
  const Explanation why = explain(model, tape, past, {.k = 2});
  CHECK(why.begin == 3);
  CHECK(why.weights.size() == 3);
}

}  // namespace HEED_TEST_UNIT
