// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/hstu.hpp"

#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::HSTU;
using recsys::HSTUEncoder;
using recsys::HSTUEncoderOptions;
using test::error_of;
using Names = std::vector<std::string>;

const HSTUEncoderOptions small{.num_heads = 2, .dropout = 0.2};
const HSTUEncoderOptions timed{.num_heads = 2, .positions = false, .time_buckets = 4, .dropout = 0.2};

TEST_CASE("HSTU: parameter names and sizes") {
  HSTUEncoder<float> encoder({.embed_dim = 4, .num_blocks = 1, .max_length = 5, .time_buckets = 8});
  CHECK(test::names(encoder) == Names{"positions.weight", "blocks.0.norm_input.weight", "blocks.0.norm_input.bias",
                                      "blocks.0.uvqk.weight", "blocks.0.position_bias", "blocks.0.time_bias",
                                      "blocks.0.norm_attention.weight", "blocks.0.norm_attention.bias",
                                      "blocks.0.output.weight", "blocks.0.output.bias", "norm.weight", "norm.bias"});
  CHECK(encoder.blocks[0].position_bias.shape() == Shape{5});
  CHECK(encoder.width() == 4);
  CHECK(encoder.state_size() == 4);
  HSTU<float> model({.num_items = 9, .embed_dim = 4, .max_length = 7}, {.num_heads = 2, .positions = false});
  CHECK(!model.encoder.positions);
  CHECK(model.encoder.blocks.size() == 2);
  CHECK(model.encoder.blocks[1].position_bias.shape() == Shape{7});
  CHECK(model.encoder.blocks[1].time_bias.size() == 0);
}

TEST_CASE("HSTU: the gradient of the whole loss is correct") {
  test::check_gradients<HSTU>(small);
  test::check_gradients<HSTU>(timed);
}

TEST_CASE("HSTU learns the next item on a circle") {
  test::check_learns<HSTU>({.num_heads = 2, .dropout = 0});
  test::check_learns<HSTU>({.positions = false, .time_buckets = 6, .dropout = 0});
}

TEST_CASE("HSTU: scores do not depend on later events") { test::check_causal<HSTU>(small); }

TEST_CASE("HSTU: scores do not depend on other users of the batch") {
  test::check_users_apart<HSTU>(small);
  test::check_users_apart<HSTU>(timed);
}

TEST_CASE("HSTU: training steps") {
  test::check_steps<HSTU>(small);
  test::check_steps<HSTU>(timed);
}

TEST_CASE("HSTU depends on times with time buckets only, on their differences, and not on later ones") {
  const auto at = [](const std::vector<double>& times) {
    data::Batch batch = test::history_of({1, 2, 3, 4}, true);
    batch.times = times;
    return batch;
  };
  Tape<float> tape;
  for (const auto& options : {small, timed}) {
    auto model = test::made<HSTU, float>(options);
    for (auto& block : model.encoder.blocks) nn::init_normal(block.time_bias, Random(3), 1);
    const auto queries = [&](const std::vector<double>& times) {
      return model.predict(tape, at(times)).queries.value();
    };
    const auto usual = queries({1, 2, 3, 4}), late = queries({1, 2, 3, 9});
    CHECK(test::same(usual, queries({901, 902, 903, 904})));
    CHECK(test::same(usual.rows(0, 3), late.rows(0, 3)));
    CHECK(test::same(usual.rows(3, 4), late.rows(3, 4)) == (options.time_buckets == 0));
  }
}

TEST_CASE("HSTU: times of whole seconds give the same bits in every unit, and fractions count") {
  Tape<float> tape;
  auto model = test::made<HSTU, float>(timed);
  for (auto& block : model.encoder.blocks) nn::init_normal(block.time_bias, Random(3), 1);
  const std::vector<data::Id> items{1, 2, 3, 4};
  const auto of = [&](std::vector<std::int64_t> times, data::TimeUnit unit) {
    data::Batch batch;
    batch.assign_history({.items = items, .times = times, .time_unit = unit}, 12);
    return model.predict(tape, batch).queries.value();
  };
  const std::vector<std::int64_t> seconds{1'398'765'432, 1'398'765'433, 1'398'765'433, 1'398'769'999};
  const auto usual = of(seconds, {});
  for (const auto& [name, unit] : data::time_units()) {
    INFO(name);
    std::vector<std::int64_t> ticks;
    for (const std::int64_t time : seconds) ticks.push_back(*data::convert_time(time, {}, unit));
    CHECK(test::same(of(ticks, unit), usual));
    CHECK(test::same(of(ticks, {}), usual) == (unit == data::TimeUnit{}));
  }
  CHECK_FALSE(test::same(of({0, 1'499, 1'499, 1'499}, {3}), of({0, 1'500, 1'500, 1'500}, {3})));
}

TEST_CASE("HSTU rejects histories that are too long or have no times") {
  Tape<float> tape;
  const auto model = test::made<HSTU, float>(timed);
  CHECK(error_of<ShapeError>([&] { model.predict(tape, test::history_of(std::vector<std::int32_t>(13, 1))); }) ==
        "pointwise_attention: biases of 12 distances for a sequence of 13");
  CHECK(error_of<ShapeError>([&] {
          model.predict(tape, test::history_of({1, 2}));
        }) == "pointwise_attention: 0 times and 4 buckets of time for 2 tokens");
}

}  // namespace HEED_TEST_UNIT
