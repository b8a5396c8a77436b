// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/history_input.hpp"

#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using data::Batch;
using recsys::Combination;
using recsys::HistoryInput;
using test::error_of;
using Names = std::vector<std::string>;

Batch history_of(const std::vector<std::int32_t>& items, const std::vector<std::int64_t>& times,
                 const std::vector<std::int32_t>& kinds) {
  Batch batch;
  batch.assign_history({.items = items, .times = times, .kinds = kinds}, 100);
  return batch;
}

HistoryInput<double> make(const recsys::HistoryInputOptions& options) {
  HistoryInput<double> input(options, {.features = {.values = {2, 0, -1, 1}}});
  nn::initialize(input, Random(1));
  return input;
}

constexpr recsys::HistoryInputOptions everything{
    .num_items = 4, .embed_dim = 3, .max_age = 2, .num_kinds = 2, .num_features = 3, .deviation = 1};

TEST_CASE("HistoryInput has only the tables that are enabled") {
  auto plain = make({.num_items = 4, .embed_dim = 3});
  CHECK(test::names(plain) == Names{"items.weight"});
  auto all = make(everything);
  CHECK(test::names(all) == Names{"items.weight", "ages.weight", "kinds.weight", "features.weight"});
  auto options = everything;
  options.combination = Combination::concat;
  auto beside = make(options);
  CHECK(test::names(beside) ==
        Names{"items.weight", "ages.weight", "kinds.weight", "features.weight", "combine.weight", "combine.bias"});
  CHECK(beside.combine->weight.shape() == Shape{3, 12});
  auto alone = make({.num_items = 4, .embed_dim = 3, .combination = Combination::concat});
  CHECK(test::names(alone) == Names{"items.weight"});  // nothing to combine
}

TEST_CASE("HistoryInput, by hand: an event's vector is the sum of its parts, or a linear layer over them") {
  const Batch batch = history_of({2, 0, 2}, {1, 2, 3}, {1, 0, 0});
  for (const Combination combination : {Combination::add, Combination::concat}) {
    auto options = everything;
    options.combination = combination;
    auto input = make(options);
    Tape<double> tape;
    const auto out = input(tape, batch).value();
    REQUIRE(out.shape() == Shape{3, 3});
    const Index ages[] = {1, 1, 0};  // the oldest is 2 baskets old and uses the last vector
    for (Index t = 0; t < 3; ++t) {
      const auto at = static_cast<std::size_t>(t);
      Eigen::RowVectorXd parts(12);
      parts << input.items.weight.value().matrix().row(batch.items[at]),
          input.ages->weight.value().matrix().row(ages[t]), input.kinds->weight.value().matrix().row(batch.kinds[at]),
          Eigen::RowVectorXd::Zero(3);
      if (batch.items[at] == 0) parts.tail(3) = input.features->weight.value().matrix().row(2);
      Eigen::RowVectorXd expected = parts.segment(0, 3) + parts.segment(3, 3) + parts.segment(6, 3) + parts.tail(3);
      if (input.combine) {
        expected = parts * input.combine->weight.value().matrix().transpose();
        for (Index j = 0; j < 3; ++j) expected(j) += input.combine->bias.value()(j);
      }
      for (Index j = 0; j < 3; ++j) CHECK(out(t, j) == Approx(expected(j)).epsilon(1e-12));
    }
  }
}

TEST_CASE("HistoryInput: a candidate has zero age and kind vectors") {
  for (const Combination combination : {Combination::add, Combination::concat}) {
    auto options = everything;
    options.combination = combination;
    auto input = make(options);
    nn::init_constant(input.ages->weight, 0);
    nn::init_constant(input.kinds->weight, 0);
    Tape<double> tape;
    const Batch batch = history_of({2, 0, 3}, {1, 2, 3}, {1, 0, 0});
    CHECK(test::same(input.candidates(tape, batch.items).value(), input(tape, batch).value()));
  }
}

TEST_CASE("HistoryInput: the gradients of all tables are correct") {
  for (const Combination combination : {Combination::add, Combination::concat}) {
    auto options = everything;
    options.combination = combination;
    auto input = make(options);
    const Batch batch = history_of({2, 0, 3, 2}, {1, 2, 2, 3}, {1, 0, 0, 1});
    const auto result =
        test::gradcheck_module(nn::parameters(input), {},
                               [&](Tape<double>& tape, std::span<const Var<double>>) { return input(tape, batch); });
    INFO(result.message());
    CHECK(result);
  }
}

TEST_CASE("HistoryInput rejects invalid arguments") {
  CHECK(error_of<OptionError>([] { HistoryInput<float>({.num_items = 3, .max_age = -1}); }) ==
        "HistoryInput: max_age -1, num_kinds 0, num_features 0");
  CHECK(error_of<ShapeError>([] { HistoryInput<float>{everything}; }) ==
        "HistoryInput: num_features 3: the catalogue has the feature of 0 of 4 items");
  CHECK(error_of<IndexError>([] {
          HistoryInput<float>(everything, {.features = {.values = {0, 0, 3, 0}}});
        }) == "HistoryInput: feature 3 of 3");
  auto input = make(everything);
  Tape<double> tape;
  CHECK(error_of<OptionError>([&] {
          input(tape, history_of({1, 2}, {1, 2}, {}));
        }) == "HistoryInput: the batch has no kinds of event");
  CHECK(error_of<OptionError>([&] { input(tape, test::batch_of_all(test::circle_log(3, 4, 4), false)); }) ==
        "HistoryInput: basket ages require one query per history, at its end: set max_age = 0");
  CHECK_THAT(error_of<IndexError>([&] { input(tape, history_of({1}, {1}, {2})); }),
             Catch::Matchers::Contains("of a table of 2"));
  CHECK_THAT(error_of<IndexError>([&] { input(tape, history_of({4}, {1}, {0})); }),
             Catch::Matchers::Contains("of a table of 4"));
}

}  // namespace HEED_TEST_UNIT
