// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/sasrec.hpp"

#include "heed/recsys/task.hpp"
#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using heed::data::Batch;
using nn::NormPlacement;
using recsys::SASRec;
using recsys::SASRecProfile;
using test::error_of;
using test::history_of;
using Kind = recsys::NextItemLoss::Kind;
using Names = std::vector<std::string>;

constexpr NormPlacement placements[] = {NormPlacement::pre, NormPlacement::post, NormPlacement::query};
constexpr Kind kinds[] = {Kind::softmax, Kind::sampled_softmax, Kind::bce, Kind::gbce};

recsys::SASRecEncoderOptions small(NormPlacement norm = NormPlacement::pre) {
  return {.num_heads = 2, .feedforward_dim = 8, .norm = norm, .dropout = 0.2};
}

TEST_CASE("SASRec: parameter names and sizes") {
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

TEST_CASE("SASRec: the gradient of the whole loss is correct") {
  for (const NormPlacement norm : placements) {
    for (const Kind kind : kinds) {
      if (norm != NormPlacement::pre && kind != Kind::softmax) continue;
      INFO("norm " << static_cast<int>(norm) << ", loss " << static_cast<int>(kind));
      auto options = small(norm);
      options.num_blocks = 1;
      // A small step, as relu is not differentiable at 0.
      test::check_gradients<SASRec>(options, {.kind = kind, .negatives = 2}, {.step = 0x1p-17});
    }
  }
}

TEST_CASE("SASRec learns the next item on a circle, with every loss") {
  for (const NormPlacement norm : placements) {
    for (const Kind kind : kinds) {
      INFO("norm " << static_cast<int>(norm) << ", loss " << static_cast<int>(kind));
      test::check_learns<SASRec>({.num_heads = 2, .feedforward_dim = 16, .norm = norm, .dropout = 0},
                                 {.kind = kind, .negatives = 4});
    }
  }
}

TEST_CASE("SASRec is causal, serves its scores, and trains in place, for every norm placement") {
  for (const NormPlacement norm : placements) {
    INFO("norm " << static_cast<int>(norm));
    test::check_causal<SASRec>(small(norm));
    test::check_users_apart<SASRec>(small(norm));
    test::check_steps<SASRec>(small(norm));
    test::check_serves(test::made<SASRec, float>(small(norm)));
  }
}

TEST_CASE("SASRec: longer histories are cut in training, in a ranker and in a session") {
  const auto log = test::repeat_log(4, 6, 12);
  SASRec<float> model({.num_items = 6, .embed_dim = 4, .max_length = 3}, small());
  nn::initialize(model, Random(1));
  for (const bool next_basket : {true, false}) {
    const recsys::Task task(log, {.next_basket = next_basket});
    const auto trained = recsys::fit(model, task, {.max_epochs = 1});
    CHECK(trained.epochs.size() == 1);
  }
  recsys::BatchRanker<SASRec<float>> ranker(model), cut_ranker(model, {.max_length = 3});
  const std::vector<data::History> histories = {log.user(1)};
  REQUIRE(histories[0].size() > 3);
  CHECK(ranker(histories, {.k = 6}) == cut_ranker(histories, {.k = 6}));
  recsys::Session<SASRec<float>> session(model), cut(model, {.max_length = 3}), fewer(model, {.max_length = 2});
  for (Index e = 0; e < histories[0].size(); ++e) {
    for (auto* each : {&session, &cut, &fewer}) each->push(log.user(1).items[static_cast<std::size_t>(e)], 0);
  }
  const float score = session.top_k(1)[0].score;
  CHECK(score == cut.top_k(1)[0].score);
  CHECK(score != fewer.top_k(1)[0].score);
}

TEST_CASE("SASRec: the profiles are as published") {
  const auto paper = SASRecProfile::paper();
  CHECK(paper.model.loss.kind == Kind::bce);
  CHECK(paper.model.loss.negatives == 1);
  CHECK(paper.model.loss.exclude_history);
  CHECK(paper.model.embed_dim == 50);
  CHECK(paper.encoder.feedforward_dim == 50);
  CHECK(paper.encoder.dropout == 0.2);
  CHECK(paper.encoder.norm == NormPlacement::query);
  auto plus = SASRecProfile::plus();
  CHECK(plus.model.loss.kind == Kind::softmax);
  CHECK(plus.encoder.norm == NormPlacement::query);
  // That of Klenitskiy and Vasilev for MovieLens-1M: 3,416 items and a row of padding.
  plus.model.num_items = 3417;
  SASRec<float> counted(plus.model, plus.encoder);
  CHECK(nn::parameter_count(counted) == 282048);
  CHECK(SASRecProfile::pre_norm().encoder.norm == NormPlacement::pre);
  CHECK(SASRecProfile::post_norm().encoder.norm == NormPlacement::post);
  CHECK(SASRecProfile::post_norm().model.loss.kind == Kind::softmax);
  const auto log = test::circle_log(12, 30, 6);
  for (auto profile : {paper, plus, SASRecProfile::pre_norm(), SASRecProfile::post_norm()}) {
    profile.model.num_items = log.num_items();
    SASRec<float> model(profile.model, profile.encoder);
    nn::initialize(model, Random(1));
    CHECK(model.encoder.blocks.size() == 2);
    CHECK(model.max_length() == 200);
    const auto report = recsys::fit(model, recsys::Task(log, {.next_basket = false}), {.max_epochs = 4});
    CHECK(report.epochs.back().loss < report.epochs.front().loss);
  }
}

TEST_CASE("SASRec rejects invalid arguments") {
  const auto model = test::made<SASRec, float>(small());
  Tape<float> tape;
  CHECK(error_of<IndexError>([&] {
          model.predict(tape, history_of({1, 6}));
        }) == "Embedding: id 6 at position 1 of a table of 6");
  Batch batch = test::batch_of_all(test::circle_log(3, 6, 4), false);
  batch.targets[0] = 6;
  CHECK_THAT(error_of<IndexError>([&] { model.loss(tape, batch); }),
             Catch::Matchers::EndsWith("target 6 of row 0 is not one of 6 items"));
  Tensor<float> room({1, 6});
  CHECK(error_of<ShapeError>([&] { model.score(tape, batch, room.view()); }) ==
        "NextItem: scores [1, 6], wanted [9, 6]");
}

}  // namespace HEED_TEST_UNIT
