// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/sasrec.hpp"

#include "heed/optim/adam.hpp"
#include "heed/recsys/batch_ranker.hpp"
#include "heed/recsys/session.hpp"
#include "heed/recsys/task.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace {

using namespace heed;
using heed::data::Batch;
using nn::NormPlacement;
using recsys::SASRec;
using Kind = recsys::NextItemLoss::Kind;
using test::error_of;
using Names = std::vector<std::string>;

constexpr NormPlacement placements[] = {NormPlacement::pre, NormPlacement::post, NormPlacement::query};
constexpr Kind kinds[] = {Kind::softmax, Kind::sampled_softmax, Kind::bce, Kind::gbce};

struct Options {
  recsys::NextItemOptions model{.num_items = 6, .embed_dim = 4, .max_length = 12};
  recsys::SASRecEncoderOptions encoder{.num_heads = 2, .feedforward_dim = 8};
};
Options small(NormPlacement norm = NormPlacement::pre) {
  Options out;
  out.encoder.norm = norm;
  return out;
}

template <class Scalar>
SASRec<Scalar> make(const Options& options) {
  SASRec<Scalar> model(options.model, options.encoder);
  nn::initialize(model, Random(1));
  // Larger than they start, so that neither ties nor small numbers hide an error.
  nn::init_normal(model.input.items.weight, Random(2), 1);
  nn::init_normal(model.encoder.positions.table.weight, Random(3), 1);
  return model;
}

/// The state after every event: [tokens, embed_dim].
template <class Scalar>
Var<Scalar> encode(const SASRec<Scalar>& model, Tape<Scalar>& tape, const Batch& batch) {
  return model.encoder(model.input.items(tape, batch.items), batch).states;
}

/// p(item) after each query of a batch.
template <class Scalar>
Tensor<Scalar> scores_of(const SASRec<Scalar>& model, const Batch& batch) {
  Tape<Scalar> tape({.record = false});
  Tensor<Scalar> out({batch.query_segments.tokens(), model.num_items()});
  model.score(tape, batch, out.view());
  return out;
}

Batch history_of(const std::vector<std::int32_t>& items) {
  Batch batch;
  batch.assign_history(items, {}, 100);
  return batch;
}

}  // namespace

TEST_CASE("SASRec: names and counts") {
  SASRec<float> model({.num_items = 9, .embed_dim = 4, .max_length = 5}, {.num_blocks = 2, .feedforward_dim = 8});
  Names expected = {"items.weight", "encoder.positions.weight"};
  for (const std::string block : {"encoder.blocks.0.", "encoder.blocks.1."}) {
    for (const char* part : {"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
                             "self_attn.out_proj.bias", "linear1.weight", "linear1.bias", "linear2.weight",
                             "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"}) {
      expected.push_back(block + part);
    }
  }
  expected.insert(expected.end(), {"encoder.norm.weight", "encoder.norm.bias"});
  CHECK(test::names(model) == expected);
  CHECK(nn::parameter_count(model) == (9 + 5) * 4 + 2 * (12 * 5 + 4 * 5 + 8 * 5 + 4 * 9 + 4 * 4) + 2 * 4);
  SASRec<float> bare({.num_items = 9, .embed_dim = 4}, {.num_blocks = 0});
  CHECK(test::names(bare) ==
        Names{"items.weight", "encoder.positions.weight", "encoder.norm.weight", "encoder.norm.bias"});
  nn::initialize(model, Random(1));
  CHECK(test::largest(model.input.items.weight) < 5 * 0.02);
  CHECK(model.num_items() == 9);
  CHECK(model.max_length() == 5);
  CHECK(model.encoder_options().max_length == 5);
  CHECK(model.encoder_options().embed_dim == 4);
}

TEST_CASE("SASRec, by hand: without a block, a state is the norm of the scaled item and the place in the history") {
  auto options = small();
  options.encoder.num_blocks = 0;
  const auto model = make<double>(options);
  const auto log = test::circle_log(3, 6, 5);
  const Batch batch = test::batch_of_all(log, false);
  Tape<double> tape;
  const auto states = encode(model, tape, batch);
  REQUIRE(states.shape() == Shape{batch.segments.tokens(), 4});
  const auto& items = model.input.items.weight.value();
  const auto& positions = model.encoder.positions.table.weight.value();
  for (Index b = 0; b < batch.segments.count(); ++b) {
    for (Index t = batch.segments.begin(b); t < batch.segments.end(b); ++t) {
      const Index item = batch.items[static_cast<std::size_t>(t)], place = t - batch.segments.begin(b);
      const Eigen::RowVectorXd x = 2 * items.matrix().row(item) + positions.matrix().row(place);
      const Eigen::RowVectorXd centred = x.array() - x.mean();
      const Eigen::RowVectorXd expected = centred / std::sqrt(centred.squaredNorm() / 4 + 1e-5);
      for (Index j = 0; j < 4; ++j) CHECK(states.value()(t, j) == Approx(expected(j)).epsilon(1e-12));
    }
  }
}

TEST_CASE("SASRec: the gradient of the whole loss is right") {
  const auto log = test::repeat_log(4, 6, 3);
  for (const bool next_basket : {true, false}) {
    const Batch batch = test::batch_of_all(log, next_basket);
    for (const NormPlacement norm : placements) {
      for (const Kind kind : kinds) {
        if (norm != NormPlacement::pre && kind != Kind::softmax) continue;
        INFO(next_basket << " " << static_cast<int>(norm) << " " << static_cast<int>(kind));
        auto options = small(norm);
        options.encoder.num_blocks = 1;
        options.encoder.dropout = 0.2;
        options.model.loss = {.kind = kind, .negatives = 2};
        auto model = make<double>(options);
        const auto result = test::gradcheck_module(
            nn::parameters(model), {},
            [&](Tape<double>& tape, std::span<const Var<double>>) { return model.loss(tape, batch); },
            // A small step: relu has its kink somewhere.
            {.step = 0x1p-17, .max_positions = 10, .tape = {.training = true, .random = Random(4)}});
        INFO(result.message());
        CHECK(result);
        CHECK(result.checked > 80);
      }
    }
  }
}

TEST_CASE("SASRec learns what follows what, by every loss") {
  const auto log = test::circle_log(24, 8, 10);
  const Batch batch = test::batch_of_all(log, false);
  for (const NormPlacement norm : placements) {
    for (const Kind kind : kinds) {
      INFO("norm " << static_cast<int>(norm) << ", loss " << static_cast<int>(kind));
      SASRec<float> model({.num_items = 8, .embed_dim = 16, .max_length = 10, .loss = {.kind = kind, .negatives = 4}},
                          {.num_heads = 2, .feedforward_dim = 16, .norm = norm, .dropout = 0});
      nn::initialize(model, Random(1));
      optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 0.01});
      Tape<float> tape({.training = true, .random = Random(2)});
      float last = 0;
      for (int step = 0; step < 200; ++step) {
        tape.clear();
        const auto loss = model.loss(tape, batch);
        last = loss.item();
        backward(loss);
        adam.step();
      }
      CHECK(last < 0.05F);
      const Tensor<float> scores = scores_of(model, batch);
      Index right = 0;
      for (Index q = 0; q < scores.rows(); ++q) {
        Index best = 0;
        scores.matrix().row(q).maxCoeff(&best);
        right += best == batch.targets[static_cast<std::size_t>(q)] ? 1 : 0;
      }
      CHECK(right == scores.rows());
    }
  }
}

TEST_CASE("SASRec drops while training, and only then") {
  auto options = small();
  options.encoder.dropout = 0.5;
  const auto model = make<float>(options);
  const Batch batch = history_of({1, 2, 3});
  Tape<float> still, training({.training = true, .random = Random(1)});
  const auto a = encode(model, still, batch), b = encode(model, still, batch);
  CHECK(test::same(a.value(), b.value()));
  CHECK(!test::same(encode(model, training, batch).value(), a.value()));
}

TEST_CASE("SASRec: at every position it sees what is past, bit for bit, and nothing of what is to come") {
  const std::vector<std::int32_t> items = {4, 1, 1, 5, 0, 2, 3};
  for (const NormPlacement norm : placements) {
    INFO("norm " << static_cast<int>(norm));
    const auto model = make<float>(small(norm));
    Tape<float> tape;
    const auto all = encode(model, tape, history_of(items)).value();
    for (std::size_t changed = 1; changed <= items.size(); ++changed) {
      const auto cut = static_cast<Index>(changed);
      const std::vector<std::int32_t> past(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(changed));
      CHECK(test::same(encode(model, tape, history_of(past)).value(), all.rows(0, cut)));
      auto others = items;
      for (std::size_t i = changed; i < items.size(); ++i) others[i] = (items[i] + 1) % 6;
      const auto states = encode(model, tape, history_of(others)).value();
      CHECK(test::same(states.rows(0, cut), all.rows(0, cut)));
      if (changed < items.size()) CHECK(!test::same(states.rows(cut, cut + 1), all.rows(cut, cut + 1)));
    }
  }
}

TEST_CASE("SASRec: a user's scores do not depend on the batch, the ranker or the session") {
  const auto log = test::repeat_log(7, 6, 4);
  const auto examples = data::next_basket_examples(log, test::all_train(log), 5);
  for (const NormPlacement norm : placements) {
    INFO("norm " << static_cast<int>(norm));
    const auto model = make<float>(small(norm));
    Batch together, alone;
    together.assign_histories(log, examples);
    const Tensor<float> all = scores_of(model, together);
    recsys::BatchRanker<SASRec<float>> ranker(model, {.batch_size = 3, .max_length = 5});
    const auto lists = ranker.lists(log, examples, 6, true);
    recsys::Session<SASRec<float>> session(model, {.max_length = 5});
    REQUIRE(lists.size() == examples.size());
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const auto& example = examples[i];
      const auto row = static_cast<Index>(i);
      alone.assign_histories(log, std::span(examples).subspan(i, 1));
      CHECK(test::same(scores_of(model, alone).view(), all.view().rows(row, row + 1)));
      session.clear();
      for (Index e = 0; e < example.end; ++e) {  // the whole history: the session cuts it
        const auto at = static_cast<std::size_t>(e);
        session.push(log.user(example.user)[at], log.user_times(example.user)[at]);
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
}

TEST_CASE("SASRec: histories longer than it sees are cut, in training, in a ranker and in a session") {
  const auto log = test::repeat_log(4, 6, 12);
  auto options = small();
  options.model.max_length = 3;
  auto model = make<float>(options);
  for (const bool next_basket : {true, false}) {
    const recsys::Task task(log, {.next_basket = next_basket});
    const auto trained = recsys::fit(model, task, {.max_epochs = 1});
    CHECK(trained.epochs.size() == 1);
  }
  recsys::BatchRanker<SASRec<float>> ranker(model), cut_ranker(model, {.max_length = 3});
  const std::vector<data::Example> histories = {{.user = 1, .end = log.length(1)}};
  REQUIRE(histories[0].end > 3);
  CHECK(ranker.lists(log, histories, 6, true) == cut_ranker.lists(log, histories, 6, true));
  recsys::Session<SASRec<float>> session(model), cut(model, {.max_length = 3}), fewer(model, {.max_length = 2});
  for (Index e = 0; e < histories[0].end; ++e) {
    for (auto* each : {&session, &cut, &fewer}) each->push(log.user(1)[static_cast<std::size_t>(e)], 0);
  }
  const float score = session.top_k(1)[0].score;
  CHECK(score == cut.top_k(1)[0].score);
  CHECK(score != fewer.top_k(1)[0].score);
}

TEST_CASE("SASRec: an empty history scores every item alike, alone or beside others") {
  const auto model = make<float>(small());
  CHECK((scores_of(model, history_of({})).array() == 1.0F / 6).all());
  const auto log = test::circle_log(1, 6, 3);
  Batch batch;
  batch.assign_histories(log, std::vector<data::Example>{{1, 0, 0, 1}, {1, 0, 2, 3}});
  const Tensor<float> scores = scores_of(model, batch);
  CHECK((scores.matrix().row(0).array() == 1.0F / 6).all());
  CHECK(scores.matrix().row(1).maxCoeff() > 0.2F);
}

TEST_CASE("SASRec says what is wrong") {
  const auto wrong = [](auto change) {
    auto options = small();
    change(options);
    return error_of<OptionError>([&] { SASRec<float> model(options.model, options.encoder); });
  };
  CHECK(wrong([](auto& o) { o.model.num_items = 0; }) != "");
  CHECK(wrong([](auto& o) { o.model.max_length = 0; }) != "");
  CHECK(wrong([](auto& o) { o.encoder.num_blocks = -1; }) == "SASRec: num_blocks -1, dropout 0.100000");
  CHECK(wrong([](auto& o) { o.encoder.dropout = 1; }) == "SASRec: num_blocks 2, dropout 1.000000");
  CHECK(wrong([](auto& o) { o.encoder.num_heads = 3; }) == "MultiHeadAttention: 3 heads do not divide embed_dim 4");

  const auto model = make<float>(small());
  Tape<float> tape;
  CHECK(error_of<IndexError>([&] {
          encode(model, tape, history_of({1, 6}));
        }) == "Embedding: id 6 at position 1 of a table of 6");
  CHECK(error_of<IndexError>([&] { encode(model, tape, history_of({-1})); }) ==
        "Embedding: id -1 at position 0 of a table of 6");
  CHECK(encode(model, tape, history_of(std::vector<std::int32_t>(12, 1))).rows() == 12);
  CHECK(error_of<ShapeError>([&] { encode(model, tape, history_of(std::vector<std::int32_t>(13, 1))); }) ==
        "Positions: a history of 13 events, at most 12 are seen");
  Batch batch = test::batch_of_all(test::circle_log(3, 6, 4), false);
  batch.targets[0] = 6;
  CHECK_THAT(error_of<IndexError>([&] { model.loss(tape, batch); }),
             Catch::Matchers::EndsWith("target 6 of row 0 is not one of 6 items"));
  Tensor<float> room({1, 6});
  CHECK(error_of<ShapeError>([&] { model.score(tape, batch, room.view()); }) ==
        "NextItem: room for scores [1, 6], wanted [9, 6]");
}

TEST_CASE("SASRec: const trains, a move moves no parameter") {
  const Batch batch = test::batch_of_all(test::circle_log(3, 6, 4), false);
  for (const NormPlacement norm : placements) {
    test::check_const_and_move(SASRec<float>(small(norm).model, small(norm).encoder),
                               [&](const auto& model, auto& tape) { return model.loss(tape, batch); });
  }
}
