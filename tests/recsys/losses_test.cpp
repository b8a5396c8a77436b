// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/losses.hpp"

#include "heed/ops/gather.hpp"
#include "heed/ops/log_softmax.hpp"
#include "heed/ops/matmul.hpp"
#include "heed/ops/scale.hpp"
#include "heed/ops/transpose.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace {

using namespace heed;
using heed::data::Batch;
using recsys::next_item_loss;
using recsys::NextItemLoss;
using Kind = NextItemLoss::Kind;
using test::error_of;
using test::normal;

constexpr Kind kinds[] = {Kind::softmax, Kind::sampled_softmax, Kind::bce, Kind::gbce};
constexpr Index num_items = 9;

/// Queries at every position, a target each.
Batch positions() { return test::batch_of_all(test::circle_log(4, num_items, 5), false); }
/// One query a history, two targets each.
Batch baskets() { return test::batch_of_all(test::repeat_log(4, num_items, 3), true); }

/// As many targets as queries, but not one each.
Batch uneven() {
  Batch batch = baskets();
  batch.segments.assign(std::vector<Index>{1, 2});
  batch.query_segments = batch.segments;
  batch.target_segments.assign(std::vector<Index>{2, 0, 1});
  batch.targets = {3, 5, 3};
  return batch;
}

/// The items that a tape of this seed draws first, `count` of them.
std::vector<Index> drawn(Random random, Index count) {
  Tape<double> tape({.random = random});
  const Random stream = tape.next_random();
  std::vector<Index> out;
  for (Index i = 0; i < count; ++i) out.push_back(stream.below(static_cast<std::uint64_t>(i), num_items));
  return out;
}

/// The row of the state that each target belongs to.
std::vector<Index> query_of_targets(const Batch& batch) {
  std::vector<Index> out;
  for (Index q = 0; q < batch.target_segments.count(); ++q) {
    out.insert(out.end(), static_cast<std::size_t>(batch.target_segments.length(q)), q);
  }
  return out;
}

}  // namespace

TEST_CASE("next_item_loss, by hand: softmax is the mean of -log p over the whole catalogue") {
  for (const Batch& batch : {positions(), baskets(), uneven()}) {
    const Tensor<double> state = normal<double>({batch.target_segments.count(), 4});
    const Tensor<double> table = normal<double>({num_items, 4}, "table");
    for (const double scale : {1.0, 2.5}) {
      Tape<double> tape;
      const Var<double> x = tape.constant(state), w = tape.constant(table);
      const Var<double> log_p = log_softmax(heed::scale(matmul(x, transpose(w)), scale));
      const auto rows = query_of_targets(batch);
      double sum = 0;
      for (std::size_t t = 0; t < rows.size(); ++t) sum -= log_p.value()(rows[t], batch.targets[t]);
      const auto loss = next_item_loss(x, w, batch, {.scale = scale});
      CHECK(loss.shape() == Shape{});
      CHECK(loss.item() == Approx(sum / static_cast<double>(rows.size())).epsilon(1e-12));
    }
  }
}

TEST_CASE("next_item_loss by samples is sampled_loss with negatives from the tape's random numbers") {
  const std::pair<Kind, SampledLoss> pairs[] = {
      {Kind::sampled_softmax, SampledLoss::softmax}, {Kind::bce, SampledLoss::bce}, {Kind::gbce, SampledLoss::gbce}};
  for (const auto& [kind, sampled] : pairs) {
    for (const Batch& batch : {positions(), baskets(), uneven()}) {
      const Tensor<double> state = normal<double>({batch.target_segments.count(), 4});
      const Tensor<double> table = normal<double>({num_items, 4}, "table");
      const auto rows = query_of_targets(batch);
      const bool every_position = batch.target_segments.max_length() == 1;
      INFO("kind " << static_cast<int>(kind) << ", " << rows.size() << " targets of " << state.rows() << " queries");
      for (const Index negatives : {1, 5}) {
        // A set for each sequence where its positions share one, else for each target.
        const bool shared = kind == Kind::sampled_softmax && every_position;
        const auto items = drawn(Random(3), negatives * (shared ? batch.segments.count() : std::ssize(rows)));
        Tape<double> tape({.random = Random(3)});
        const Var<double> x = tape.constant(state), w = tape.constant(table);
        const auto loss =
            next_item_loss(x, w, batch, {.kind = kind, .negatives = negatives, .calibration = 0.6, .scale = 1.5});
        const auto expected =
            sampled_loss(gather(x, std::span<const Index>(rows)), w, Var<double>(), batch.targets,
                         shared ? Negatives::of_sequences(items, batch.segments) : Negatives::of_rows(items),
                         {.loss = sampled, .scale = 1.5, .calibration = 0.6});
        CHECK(loss.shape() == Shape{});
        CHECK(loss.item() == Approx(expected.item()).epsilon(1e-12));
        CHECK(loss.item() != next_item_loss(x, w, batch, {.kind = kind, .negatives = negatives}).item());
      }
    }
  }
}

TEST_CASE("next_item_loss: the gradients of states and table are right") {
  for (const Kind kind : kinds) {
    for (const Batch& batch : {positions(), baskets(), uneven()}) {
      INFO("kind " << static_cast<int>(kind) << ", " << batch.targets.size() << " targets");
      const auto result = test::gradcheck_module(
          {}, {normal<double>({batch.target_segments.count(), 4}), normal<double>({num_items, 4}, "table")},
          [&](Tape<double>&, std::span<const Var<double>> x) {
            return next_item_loss(x[0], x[1], batch, {.kind = kind, .negatives = 3});
          },
          {.tape = {.training = true, .random = Random(4)}});
      INFO(result.message());
      CHECK(result);
    }
  }
}

TEST_CASE("next_item_loss reaches a table that is a parameter") {
  const Batch batch = positions();
  for (const Kind kind : kinds) {
    Parameter<float> table({num_items, 4});
    nn::init_normal(table, Random(1), 1);
    Tape<float> tape({.training = true, .random = Random(2)});
    const auto x = tape.variable(normal<float>({batch.target_segments.count(), 4}));
    backward(next_item_loss(x, tape.parameter(table), batch, {.kind = kind, .negatives = 2}));
    for (const Index target : batch.targets) {
      CHECK(table.gradient().matrix().row(target).cwiseAbs().maxCoeff() > 0);
    }
    CHECK(Tensor<float>(x.gradient()).array().abs().maxCoeff() > 0);
  }
}

TEST_CASE("next_item_loss says what is wrong") {
  Tape<float> tape;
  Batch batch = positions();
  const Index queries = batch.target_segments.count();
  const auto state = tape.constant(normal<float>({queries, 4})), table = tape.constant(normal<float>({num_items, 4}));
  for (const Kind kind : {Kind::sampled_softmax, Kind::bce, Kind::gbce}) {
    CHECK(error_of<OptionError>([&] { next_item_loss(state, table, batch, {.kind = kind, .negatives = 0}); }) ==
          "next_item_loss: negatives 0");
  }
  CHECK(error_of<OptionError>([&] { next_item_loss(state, table, batch, {.kind = Kind::gbce, .calibration = 2}); }) ==
        "sampled_loss: calibration 2.000000 is not in [0, 1]");
  for (const Kind kind : kinds) {
    CHECK(error_of<ShapeError>([&] {
            next_item_loss(tape.constant(normal<float>({2, 4})), table, batch, {.kind = kind});
          }) == message("expand: input [2, 4] for ", queries, " segments"));
    CHECK(error_of<ShapeError>([&] {
            next_item_loss(state, tape.constant(normal<float>({num_items, 3})), batch, {.kind = kind});
          }) != "");
  }
  batch.target_segments.assign(std::vector<Index>(static_cast<std::size_t>(queries) + 1, 0));
  CHECK(error_of<ShapeError>([&] { next_item_loss(state, table, batch, {}); }) != "");
  batch = positions();
  batch.targets[1] = num_items;
  CHECK(error_of<IndexError>([&] { next_item_loss(state, table, batch, {}); }) ==
        "linear_cross_entropy: target 9 of row 1 is not one of 9 items");
  CHECK(error_of<IndexError>([&] { next_item_loss(state, table, batch, {.kind = Kind::bce}); }) ==
        "sampled_loss: target 9 of row 1 is not one of 9 items");
}
