// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/warm_start.hpp"

#include "heed/data/renumber.hpp"
#include "heed/optim/adam.hpp"
#include "heed/recsys/models/din.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using data::Batch;
using recsys::NewItems;
using recsys::SASRec;
using recsys::warm_start;
using test::error_of;
using Numbers = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

// The old items are 0 .. 5, of which 1 and 4 are removed; the new items 1, 3 and 6 are added.
const Numbers numbers = {4, -1, 0, 5, -1, 2};
constexpr Index today_items = 7;

template <class Scalar>
SASRec<Scalar> make(Index items, std::uint64_t seed, Index features = 0) {
  SASRec<Scalar> model(
      {.num_items = items, .embed_dim = 4, .max_length = 12, .num_features = features, .item_bias = true},
      {.num_heads = 2, .feedforward_dim = 8, .dropout = 0},
      {.features = {.values = Numbers(static_cast<std::size_t>(items), -1)}});
  for (const auto& named : nn::parameters(model)) nn::init_normal(*named.parameter, Random(seed).fork(named.name), 1);
  return model;
}

Batch history_of(const Numbers& items) {
  Batch batch;
  batch.assign_history({.items = items}, 100);
  return batch;
}

/// Returns the logits: [items].
Tensor<float> logits_of(const SASRec<float>& model, const Batch& batch) {
  Tape<float> tape;
  return Tensor<float>(recsys::next_item_logits(model.predict(tape, batch).queries,
                                                tape.parameter(model.input.items.weight),
                                                tape.parameter(model.item_bias), {})
                           .value());
}

float item_at(const SASRec<float>& model, Index item, Index j) { return model.input.items.weight.value()(item, j); }

TEST_CASE("warm start: logits of known items are bitwise equal, and training continues", "[recsys][warm_start]") {
  auto yesterday = make<float>(6, 1), today = make<float>(today_items, 2);
  const auto fresh = make<float>(today_items, 2);
  CHECK(warm_start(today, yesterday, {.items = numbers}).empty());
  const Numbers history = {0, 2, 2, 5, 3};
  Numbers renamed;
  for (const auto item : history) renamed.push_back(numbers[static_cast<std::size_t>(item)]);
  const auto before = logits_of(yesterday, history_of(history)), after = logits_of(today, history_of(renamed));
  for (Index i = 0; i < 6; ++i) {
    const Index now = numbers[static_cast<std::size_t>(i)];
    if (now >= 0) CHECK(after(0, now) == before(0, i));
  }
  for (const Index item : {1, 3, 6}) {
    for (Index j = 0; j < 4; ++j) CHECK(item_at(today, item, j) == item_at(fresh, item, j));
    CHECK(today.item_bias.value()(item) == fresh.item_bias.value()(item));
  }

  const Batch batch = test::batch_of_all(test::circle_log(5, today_items, 8), false);
  optim::Adam<float> adam(nn::parameters(today), {.learning_rate = 0.01});
  Tape<float> tape;
  float first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    tape.clear();
    const auto loss = today.loss(tape, batch);
    last = loss.item();
    if (step == 0) first = last;
    backward(loss);
    adam.step();
  }
  CHECK(last < 0.5F * first);
}

TEST_CASE("warm start: new items may start at the mean of known ones, or of those with their feature",
          "[recsys][warm_start]") {
  auto yesterday = make<float>(6, 1), today = make<float>(today_items, 2);
  warm_start(today, yesterday, {.items = numbers, .new_items = NewItems::mean});
  const auto mean = [&](const std::vector<Index>& items, Index j) {
    double sum = 0;
    for (const Index item : items) sum += static_cast<double>(item_at(today, item, j));
    return sum / static_cast<double>(items.size());
  };
  for (const Index item : {1, 3, 6}) {
    for (Index j = 0; j < 4; ++j) CHECK(item_at(today, item, j) == Approx(mean({0, 2, 4, 5}, j)));
  }
  // Item 1 has the feature of 0 and 5, no other item that of 3, and 6 has no feature.
  const Numbers features = {0, 0, 1, 2, 1, 0, -1};
  warm_start(today, yesterday, {.items = numbers, .new_items = NewItems::mean, .item_features = features});
  for (Index j = 0; j < 4; ++j) {
    CHECK(item_at(today, 1, j) == Approx(mean({0, 5}, j)));
    CHECK(item_at(today, 3, j) == Approx(mean({0, 2, 4, 5}, j)));
    CHECK(item_at(today, 6, j) == Approx(mean({0, 2, 4, 5}, j)));
  }
  const auto& bias = today.item_bias.value();
  CHECK(bias(1) == Approx((bias(0) + bias(5)) / 2));
  // Without known items all vectors are unchanged.
  auto others = make<float>(today_items, 2);
  const auto fresh = make<float>(today_items, 2);
  warm_start(others, yesterday, {.items = Numbers(6, -1), .new_items = NewItems::mean});
  CHECK(test::same(others.input.items.weight.value(), fresh.input.items.weight.value()));
  CHECK(!test::same(others.encoder.norm.weight.value().view(), fresh.encoder.norm.weight.value().view()));
}

TEST_CASE("warm start: only item tables are renumbered, whatever their sizes", "[recsys][warm_start]") {
  auto yesterday = make<float>(4, 1), today = make<float>(4, 2);  // as many items as columns
  const Numbers swapped = {1, 0, 3, 2};
  warm_start(today, yesterday, {.items = swapped});
  for (Index i = 0; i < 4; ++i) {
    for (Index j = 0; j < 4; ++j)
      CHECK(item_at(today, swapped[static_cast<std::size_t>(i)], j) == item_at(yesterday, i, j));
  }
  const auto &a = today.encoder.blocks[0].self_attn.out_proj.weight,
             &b = yesterday.encoder.blocks[0].self_attn.out_proj.weight;
  CHECK(test::same(a.value(), b.value()));
}

TEST_CASE("warm start: kinds and features are renumbered separately, and other shapes are not copied",
          "[recsys][warm_start]") {
  const auto din = [](Index items, Index features, Index width, std::uint64_t seed) {
    recsys::DIN<float> model(
        {.num_items = items, .embed_dim = 4, .num_kinds = 2, .num_features = features, .hidden_features = {width}},
        {.features = {.values = Numbers(static_cast<std::size_t>(items), -1)}});
    for (const auto& named : nn::parameters(model)) nn::init_normal(*named.parameter, Random(seed).fork(named.name), 1);
    return model;
  };
  auto yesterday = din(6, 2, 8, 1), today = din(today_items, 3, 9, 2);
  const Numbers features = {2, 0}, kinds = {1, 0};
  const auto kept = warm_start(today, yesterday, {.items = numbers, .features = features, .kinds = kinds});
  CHECK(kept == Names{"mlp.layers.0.weight", "mlp.layers.0.bias", "mlp.layers.1.weight"});
  for (Index j = 0; j < 4; ++j) {
    CHECK(today.input.features->weight.value()(2, j) == yesterday.input.features->weight.value()(0, j));
    CHECK(today.input.features->weight.value()(0, j) == yesterday.input.features->weight.value()(1, j));
    CHECK(today.input.kinds->weight.value()(0, j) == yesterday.input.kinds->weight.value()(1, j));
    CHECK(today.input.items.weight.value()(4, j) == yesterday.input.items.weight.value()(0, j));
  }
  // The row of the new feature keeps its initial values, or is the mean of the two known ones.
  const auto& rows = today.input.features->weight;
  const auto first = din(today_items, 3, 9, 2);
  for (Index j = 0; j < 4; ++j) CHECK(rows.value()(1, j) == first.input.features->weight.value()(1, j));
  warm_start(today, yesterday, {.items = numbers, .features = features, .kinds = kinds, .new_items = NewItems::mean});
  for (Index j = 0; j < 4; ++j) CHECK(rows.value()(1, j) == Approx((rows.value()(0, j) + rows.value()(2, j)) / 2));
  // Between models of different types the common weights are copied.
  auto other = make<float>(today_items, 2);
  const auto fresh = warm_start(other, yesterday, {.items = numbers});
  CHECK(std::count(fresh.begin(), fresh.end(), "items.weight") == 0);
  CHECK(std::count(fresh.begin(), fresh.end(), "encoder.positions.weight") == 1);
  CHECK(fresh.size() + 1 == nn::parameters(other).size());
}

TEST_CASE("warm start: the state of the optimiser is copied", "[recsys][warm_start]") {
  auto yesterday = make<float>(6, 1), today = make<float>(today_items, 2);
  optim::Adam<float> before(nn::parameters(yesterday)), after(nn::parameters(today));
  const Batch batch = test::batch_of_all(test::circle_log(5, 6, 8), false);
  Tape<float> tape;
  for (int step = 0; step < 3; ++step) {
    tape.clear();
    backward(yesterday.loss(tape, batch));
    before.step();
  }
  const recsys::WarmStartOptions options{.items = numbers};
  warm_start(today, yesterday, options);
  warm_start(after, before, options);
  CHECK(after.steps() == 3);
  const auto old = before.state(), now = after.state();
  REQUIRE(old.size() == now.size());
  for (std::size_t s = 0; s < old.size(); ++s) {
    INFO(now[s].name);
    if (old[s].value->shape() == now[s].value->shape()) {
      CHECK(test::same(old[s].value->view(), now[s].value->view()));
      continue;
    }
    const auto &from = *old[s].value, &to = *now[s].value;
    const Index width = from.size() / 6;
    for (Index j = 0; j < width; ++j) {
      CHECK(to.data()[4 * width + j] == from.data()[j]);
      CHECK(to.data()[2 * width + j] == from.data()[5 * width + j]);
      CHECK(to.data()[3 * width + j] == 0);
    }
  }
}

TEST_CASE("warm start rejects invalid numbers, and changes nothing", "[recsys][warm_start]") {
  auto yesterday = make<float>(6, 1), today = make<float>(today_items, 2);
  const auto fresh = make<float>(today_items, 2);
  const auto shape = [&](const recsys::WarmStartOptions& options) {
    return error_of<ShapeError>([&] { warm_start(today, yesterday, options); });
  };
  const auto index = [&](const Numbers& wrong) {
    return error_of<IndexError>([&] { warm_start(today, yesterday, {.items = wrong}); });
  };
  CHECK(shape({.items = std::span(numbers).first(5)}) == "warm_start: items.weight: 5 numbers for 6 rows");
  CHECK(shape({.items = numbers, .item_features = numbers}) == "warm_start: 6 features for 7 items of items.weight");
  CHECK(index({0, 1, 2, 3, 4, 7}) == "warm_start: items.weight: number 7 of 7 rows");
  CHECK(index({0, 1, 2, 3, 4, -2}) == "warm_start: items.weight: number -2 of 7 rows");
  CHECK(index({0, 1, 2, 3, 4, 0}) == "warm_start: items.weight: number 0 twice");
  CHECK(test::same(today.encoder.positions->table.weight.value(), fresh.encoder.positions->table.weight.value()));

  SASRec<float> never({.num_items = 6, .embed_dim = 4, .max_length = 12}, {.num_heads = 2, .feedforward_dim = 8});
  CHECK(error_of<heed::StateError>([&] { warm_start(never, yesterday, {}); }) ==
        "warm_start: items.weight was never initialised: call nn::initialize for what is not copied");
}

TEST_CASE("warm start from vocabularies", "[recsys][warm_start]") {
  data::Vocabulary old, now;
  for (const char* id : {"tea", "milk", "jam"}) old.add(id);
  for (const char* id : {"jam", "bread", "tea"}) now.add(id);
  auto yesterday = make<float>(3, 1), today = make<float>(3, 2);
  warm_start(today, yesterday, {.items = data::renumbering(old, now)});
  CHECK(item_at(today, 2, 1) == item_at(yesterday, 0, 1));
  CHECK(item_at(today, 0, 1) == item_at(yesterday, 2, 1));
}

}  // namespace HEED_TEST_UNIT
