// SPDX-License-Identifier: Apache-2.0
// Checks that every next-item model must pass, with any encoder. `Model` is a template on the scalar.
#pragma once

#include <cmath>
#include <numeric>

#include "heed/optim/adam.hpp"
#include "heed/recsys/batch_ranker.hpp"
#include "heed/recsys/next_item.hpp"
#include "heed/recsys/session.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"
#include "support/allocations.hpp"

namespace heed::test {

template <template <class> class Model, class Scalar>
using EncoderOptionsOf = typename Model<Scalar>::EncoderOptions;

/// Returns a model with larger item vectors than initially, so that neither ties nor small numbers hide an error.
template <template <class> class Model, class Scalar>
Model<Scalar> made(const EncoderOptionsOf<Model, Scalar>& encoder, bool pointer = false,
                   const recsys::NextItemLoss& loss = {}) {
  Model<Scalar> model({.num_items = 6, .embed_dim = 4, .max_length = 12, .pointer = pointer, .loss = loss}, encoder);
  nn::initialize(model, Random(1));
  nn::init_normal(model.input.items.weight, Random(2), 1);
  return model;
}

/// Returns the probabilities at each query of a batch.
template <class M>
Tensor<typename M::scalar_type> scores_of(const M& model, const data::Batch& batch) {
  Tape<typename M::scalar_type> tape({.record = false});
  Tensor<typename M::scalar_type> out({batch.query_segments.tokens(), model.num_items()});
  model.score(tape, batch, out.view());
  return out;
}

/// Returns the mean over queries of the mean over targets of -log p, for p [queries, items], whose rows sum to one.
inline double negative_log_likelihood(const Tensor<double>& p, const data::Batch& batch) {
  double out = 0;
  for (Index q = 0; q < p.rows(); ++q) {
    CHECK(p.matrix().row(q).sum() == Approx(1));
    double sum = 0;
    for (Index t = batch.target_segments.begin(q); t < batch.target_segments.end(q); ++t) {
      sum -= std::log(p(q, batch.targets[static_cast<std::size_t>(t)]));
    }
    out += sum / static_cast<double>(batch.target_segments.length(q)) / static_cast<double>(p.rows());
  }
  return out;
}

/// Counts the queries whose best item is their first target.
inline Index right_queries(const Tensor<float>& scores, const data::Batch& batch) {
  Index right = 0;
  for (Index q = 0; q < scores.rows(); ++q) {
    Index best = 0;
    scores.matrix().row(q).maxCoeff(&best);
    right += best == batch.targets[static_cast<std::size_t>(batch.target_segments.begin(q))] ? 1 : 0;
  }
  return right;
}

/// Returns a batch of one history, with a query at its end or at every position.
inline data::Batch history_of(const std::vector<std::int32_t>& items, bool every_position = false) {
  data::Batch batch;
  batch.assign_history({.items = items}, 100);
  if (every_position) {
    batch.query_segments = batch.segments;
    batch.query_rows.resize(items.size());
    std::iota(batch.query_rows.begin(), batch.query_rows.end(), Index{0});
  }
  return batch;
}

template <template <class> class Model>
void check_gradients(const EncoderOptionsOf<Model, double>& encoder, const recsys::NextItemLoss& loss = {},
                     testing::GradcheckOptions options = {}) {
  const auto log = repeat_log(4, 6, 3);
  options.max_positions = 10;
  options.tape = {.training = true, .random = Random(4)};
  for (const bool next_basket : {true, false}) {
    for (const bool pointer : {false, true}) {
      if (pointer && loss.kind != recsys::NextItemLoss::Kind::softmax) continue;
      INFO((next_basket ? "next basket" : "every position") << (pointer ? ", pointer head" : ""));
      const data::Batch batch = batch_of_all(log, next_basket);
      auto model = made<Model, double>(encoder, pointer, loss);
      const auto result = gradcheck_module(
          nn::parameters(model), {},
          [&](Tape<double>& tape, std::span<const Var<double>>) { return model.loss(tape, batch); }, options);
      INFO(result.message());
      CHECK(result);
    }
  }
}

/// Trains on one batch until the best item at each query is the target; returns the last loss.
template <class M>
float check_learns(M& model, const data::Batch& batch, int steps = 200) {
  nn::initialize(model, Random(1));
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 0.01});
  Tape<float> tape({.training = true, .random = Random(2)});
  float last = 0;
  for (int step = 0; step < steps; ++step) {
    tape.clear();
    const auto loss = model.loss(tape, batch);
    last = loss.item();
    backward(loss);
    adam.step();
  }
  CHECK(right_queries(scores_of(model, batch), batch) == batch.query_segments.tokens());
  return last;
}

/// Checks that a model learns the next item on a circle at every position.
template <template <class> class Model>
void check_learns(const EncoderOptionsOf<Model, float>& encoder, const recsys::NextItemLoss& loss = {}) {
  const data::Batch batch = batch_of_all(circle_log(24, 8, 10), false);
  Model<float> model({.num_items = 8, .embed_dim = 16, .max_length = 10, .loss = loss}, encoder);
  CHECK(check_learns(model, batch) < 0.05F);
}

/// Checks that a user's scores are bitwise equal alone, in a batch, in a ranker and in a session.
template <class M>
void check_serves(const M& model) {
  const auto log = repeat_log(7, 6, 4);
  const auto examples = data::next_basket_examples(log, all_train(log), 5);
  data::Batch together, alone;
  together.assign_histories(log, examples);
  const Tensor<float> all = scores_of(model, together);
  recsys::BatchRanker<M> ranker(model, {.batch_size = 3, .max_length = 5});
  std::vector<data::History> histories;
  for (const auto& example : examples) histories.push_back(log.user(example.user).first(example.end));
  const auto lists = ranker(histories, {.k = 6});
  recsys::Session<M> session(model, {.max_length = 5});
  REQUIRE(lists.size() == examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto& example = examples[i];
    const auto row = static_cast<Index>(i);
    alone.assign_histories(log, std::span(examples).subspan(i, 1));
    CHECK(same(scores_of(model, alone).view(), all.view().rows(row, row + 1)));
    session.clear();
    for (Index e = 0; e < example.end; ++e) {  // the whole history: the session cuts it
      const auto at = static_cast<std::size_t>(e);
      session.push(log.user(example.user).items[at], log.user(example.user).times[at]);
    }
    const auto ranking = session.top_k(6);
    REQUIRE(ranking.size() == 6);
    for (std::size_t r = 0; r < 6; ++r) {
      CHECK(ranking[r].score == all(row, ranking[r].item));
      CHECK(lists[i][r] == ranking[r].item);
      if (r > 0) CHECK(kernels::ranks_before(ranking[r - 1], ranking[r]));
    }
  }
}

/// Checks that the scores at every position are bitwise equal to those of the shorter history that ends there: they do
/// not depend on later events.
template <template <class> class Model>
void check_causal(const EncoderOptionsOf<Model, float>& encoder) {
  const std::vector<std::int32_t> items = {4, 1, 1, 5, 0, 2, 3};
  const auto model = made<Model, float>(encoder);
  Tape<float> tape;
  const auto all = model.predict(tape, history_of(items, true)).queries.value();
  for (std::size_t changed = 1; changed <= items.size(); ++changed) {
    const auto cut = static_cast<Index>(changed);
    const std::vector<std::int32_t> past(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(changed));
    CHECK(same(model.predict(tape, history_of(past, true)).queries.value(), all.rows(0, cut)));
    CHECK(same(model.predict(tape, history_of(past)).queries.value(), all.rows(cut - 1, cut)));
    auto others = items;
    for (std::size_t i = changed; i < items.size(); ++i) others[i] = (items[i] + 1) % 6;
    const auto queries = model.predict(tape, history_of(others, true)).queries.value();
    CHECK(same(queries.rows(0, cut), all.rows(0, cut)));
    if (changed < items.size()) CHECK(!same(queries.rows(cut, cut + 1), all.rows(cut, cut + 1)));
  }
}

/// A user's scores do not depend on the batch; an empty history, alone or in a batch, gives all items equal scores.
template <template <class> class Model>
void check_users_apart(const EncoderOptionsOf<Model, float>& encoder) {
  const auto log = repeat_log(7, 6, 4);
  auto examples = data::next_basket_examples(log, all_train(log), 5);
  examples.insert(examples.begin() + 1, {1, 0, 0, 1});
  const auto model = made<Model, float>(encoder);
  data::Batch together, alone;
  together.assign_histories(log, examples);
  const Tensor<float> all = scores_of(model, together);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto row = static_cast<Index>(i);
    alone.assign_histories(log, std::span(examples).subspan(i, 1));
    CHECK(same(scores_of(model, alone).view(), all.view().rows(row, row + 1)));
    const bool flat = all.matrix().row(row).maxCoeff() == all.matrix().row(row).minCoeff();
    CHECK(flat == (i == 1));
  }
}

/// Dropout is applied in training only; a warm training step does not allocate; a const model trains, and a move keeps
/// parameters in place. `encoder` has dropout.
template <template <class> class Model>
void check_steps(const EncoderOptionsOf<Model, float>& encoder) {
  const data::Batch batch = batch_of_all(circle_log(3, 6, 4), false);
  auto model = made<Model, float>(encoder);
  Tape<float> still, training({.training = true, .random = Random(1)});
  const auto a = model.predict(still, batch).queries, b = model.predict(still, batch).queries;
  CHECK(same(a.value(), b.value()));
  CHECK(!same(model.predict(training, batch).queries.value(), a.value()));

  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 0.01});
  const auto step = [&] {
    training.clear();
    backward(model.loss(training, batch));
    adam.step();
  };
  for (int i = 0; i < 3; ++i) step();
  const std::size_t before = allocations();
  step();
  CHECK(allocations() == before);

  check_const_and_move(made<Model, float>(encoder), [&](const auto& one, auto& tape) { return one.loss(tape, batch); });
}

}  // namespace heed::test
