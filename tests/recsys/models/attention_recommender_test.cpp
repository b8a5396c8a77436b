// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/attention_recommender.hpp"

#include "heed/optim/adam.hpp"
#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using heed::data::Batch;
using recsys::AttentionKind;
using recsys::AttentionRecommender;
using test::error_of;
using Names = std::vector<std::string>;

constexpr AttentionKind kinds[] = {AttentionKind::none, AttentionKind::additive, AttentionKind::multi_head,
                                   AttentionKind::target};

template <class Scalar>
AttentionRecommender<Scalar> make(const recsys::NextItemOptions& options,
                                  const recsys::AttentionEncoderOptions& encoder = {}) {
  AttentionRecommender<Scalar> model(options, encoder);
  nn::initialize(model, Random(1));
  return model;
}

/// Trains on one batch of all examples and returns the first and the last loss.
std::pair<float, float> fit(AttentionRecommender<float>& model, const Batch& batch, int steps) {
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 0.02});
  Tape<float> tape({.training = true, .random = Random(2)});
  std::pair<float, float> losses;
  for (int step = 0; step < steps; ++step) {
    tape.clear();
    const auto loss = model.loss(tape, batch);
    (step == 0 ? losses.first : losses.second) = loss.item();
    backward(loss);
    adam.step();
  }
  return losses;
}

/// Returns p(item) at each query of a batch.
template <class Scalar>
Tensor<Scalar> scores_of(const AttentionRecommender<Scalar>& model, const Batch& batch) {
  Tape<Scalar> tape({.record = false});
  Tensor<Scalar> out({batch.query_segments.tokens(), model.num_items()});
  model.score(tape, batch, out.view());
  return out;
}

TEST_CASE("AttentionRecommender: parameter names depend on the options") {
  auto all = make<float>({.num_items = 9, .embed_dim = 4, .max_age = 32, .item_bias = true, .pointer = true},
                         {.hidden_size = 6, .decoder = true});
  CHECK(test::names(all) == Names{"items.weight",
                                  "ages.weight",
                                  "encoder.lstm.weight_ih_l0",
                                  "encoder.lstm.weight_hh_l0",
                                  "encoder.lstm.bias_ih_l0",
                                  "encoder.lstm.bias_hh_l0",
                                  "encoder.decoder.weight_ih_l0",
                                  "encoder.decoder.weight_hh_l0",
                                  "encoder.decoder.bias_ih_l0",
                                  "encoder.decoder.bias_hh_l0",
                                  "encoder.attention.query.weight",
                                  "encoder.attention.key.weight",
                                  "encoder.attention.key.bias",
                                  "encoder.attention.score",
                                  "encoder.user.weight",
                                  "encoder.user.bias",
                                  "item_bias",
                                  "pointer.attention.query.weight",
                                  "pointer.attention.key.weight",
                                  "pointer.attention.key.bias",
                                  "pointer.attention.score",
                                  "pointer.gate.weight",
                                  "pointer.gate.bias"});
  auto plain = make<float>({.num_items = 9, .embed_dim = 4, .max_age = 0, .item_bias = true, .pointer = false},
                           {.hidden_size = 6, .attention = AttentionKind::none});
  CHECK(test::names(plain) == Names{"items.weight", "encoder.lstm.weight_ih_l0", "encoder.lstm.weight_hh_l0",
                                    "encoder.lstm.bias_ih_l0", "encoder.lstm.bias_hh_l0", "encoder.user.weight",
                                    "encoder.user.bias", "item_bias"});
  CHECK(nn::parameter_count(plain) == 9 * 4 + 24 * 4 + 24 * 6 + 48 + 4 * 6 + 4 + 9);
  auto heads = make<float>({.num_items = 9, .embed_dim = 4, .max_age = 32, .item_bias = true, .pointer = true},
                           {.hidden_size = 6, .attention = AttentionKind::multi_head, .num_heads = 2});
  CHECK(heads.encoder.multi_head->k_proj_weight.shape() == Shape{6, 10});
}

TEST_CASE("AttentionRecommender: the gradient of the whole loss is correct") {
  const auto log = test::repeat_log(4, 6, 3);
  for (const bool next_basket : {true, false}) {
    const Batch batch = test::batch_of_all(log, next_basket);
    for (const AttentionKind kind : kinds) {
      for (const bool pointer : {true, false}) {
        INFO(next_basket << " " << static_cast<int>(kind) << " " << pointer);
        auto model = make<double>(
            {.num_items = 6, .embed_dim = 3, .max_age = next_basket ? 2 : 0, .item_bias = true, .pointer = pointer},
            {.hidden_size = 4, .decoder = pointer, .attention = kind, .num_heads = 2, .dropout = 0.2});
        const auto result = test::gradcheck_module(
            nn::parameters(model), {},
            [&](Tape<double>& tape, std::span<const Var<double>>) { return model.loss(tape, batch); },
            {.max_positions = 12, .tape = {.training = true, .random = Random(4)}});
        INFO(result.message());
        CHECK(result);
        CHECK(result.checked > 80);
      }
    }
  }
}

TEST_CASE("AttentionRecommender, by hand: the loss is the mean over queries of the mean of -log p over targets") {
  const auto log = test::repeat_log(4, 6, 3);
  for (const bool pointer : {true, false}) {
    const auto model = make<double>(
        {.num_items = 6, .embed_dim = 3, .max_age = 32, .item_bias = true, .pointer = pointer}, {.hidden_size = 4});
    const Batch batch = test::batch_of_all(log, true);
    const Tensor<double> p = scores_of(model, batch);
    Tape<double> tape;
    CHECK(model.loss(tape, batch).item() == Approx(test::negative_log_likelihood(p, batch)).epsilon(1e-12));
  }
}

TEST_CASE("AttentionRecommender learns the next item on a circle, at every position") {
  const auto log = test::circle_log(24, 8, 10);
  const Batch batch = test::batch_of_all(log, false);
  for (const AttentionKind kind : {AttentionKind::none, AttentionKind::additive, AttentionKind::multi_head}) {
    INFO(static_cast<int>(kind));
    auto model = make<float>({.num_items = 8, .embed_dim = 8, .max_age = 0, .item_bias = true, .pointer = false},
                             {.hidden_size = 16, .attention = kind, .dropout = 0.1});
    const auto [first, last] = fit(model, batch, 60);
    CHECK(first == Approx(std::log(8.0)).epsilon(0.15));
    CHECK(last < 0.3 * first);
    const Tensor<float> p = scores_of(model, batch);
    CHECK(test::right_queries(p, batch) == p.rows());
  }
}

TEST_CASE("AttentionRecommender learns each user's own item for the next basket") {
  const auto log = test::repeat_log(24, 12, 5);
  const Batch batch = test::batch_of_all(log, true);
  for (const AttentionKind kind : kinds) {
    INFO(static_cast<int>(kind));
    auto model = make<float>({.num_items = 12, .embed_dim = 8, .max_age = 32, .item_bias = true, .pointer = true},
                             {.hidden_size = 16, .attention = kind, .num_heads = 2, .dropout = 0.1});
    const auto [first, last] = fit(model, batch, 60);
    CHECK(last < 0.8 * first);
    // Half of each basket is the user's own item; the other half cannot be predicted.
    const Tensor<float> p = scores_of(model, batch);
    CHECK(test::right_queries(p, batch) > 9 * p.rows() / 10);
  }
}

TEST_CASE("AttentionRecommender: a user's scores do not depend on the batch") {
  const auto log = test::repeat_log(5, 6, 4);
  const auto examples = data::next_basket_examples(log, test::all_train(log), 50);
  for (const AttentionKind kind : kinds) {
    const auto model = make<float>({.num_items = 6, .embed_dim = 3, .max_age = 32, .item_bias = true, .pointer = true},
                                   {.hidden_size = 4, .attention = kind, .num_heads = 2});
    Batch together, alone;
    together.assign_histories(log, examples);
    const Tensor<float> all = scores_of(model, together);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      alone.assign_histories(log, std::span(examples).subspan(i, 1));
      const auto row = static_cast<Index>(i);
      CHECK(test::same(scores_of(model, alone).view(), all.view().rows(row, row + 1)));
    }
  }
}

TEST_CASE("AttentionRecommender: scores at every position are bitwise independent of later events") {
  const auto log = test::circle_log(3, 6, 7);
  for (const AttentionKind kind : kinds) {
    for (const bool pointer : {true, false}) {
      const auto model =
          make<float>({.num_items = 6, .embed_dim = 3, .max_age = 0, .item_bias = true, .pointer = pointer},
                      {.hidden_size = 4, .decoder = true, .attention = kind, .num_heads = 2});
      Batch whole, prefix;
      whole.assign_every_position(log, std::vector<data::Example>{{1, 0, 6, 7}});
      const Tensor<float> all = scores_of(model, whole);
      for (Index end = 1; end <= 6; ++end) {
        prefix.assign_history({.items = log.user(1).first(end).items}, 10);
        CHECK(test::same(scores_of(model, prefix).view(), all.view().rows(end - 1, end)));
      }
    }
  }
}

TEST_CASE("AttentionRecommender: empty histories and single events work with any attention") {
  const std::vector<std::int32_t> items = {3};
  for (const AttentionKind kind : kinds) {
    for (const bool pointer : {true, false}) {
      const auto model =
          make<double>({.num_items = 6, .embed_dim = 3, .max_age = 32, .item_bias = true, .pointer = pointer},
                       {.hidden_size = 4, .attention = kind, .num_heads = 2});
      Batch batch;
      batch.assign_history({}, 10);
      const Tensor<double> none = scores_of(model, batch);
      CHECK(none.array().minCoeff() > 0);
      CHECK(none.array().sum() <= 1 + 1e-12);
      if (!pointer) CHECK(none.array().sum() == Approx(1));
      batch.assign_history({.items = items}, 10);
      CHECK(scores_of(model, batch).array().sum() == Approx(1));
    }
  }
}

TEST_CASE("AttentionRecommender: attention is returned on request, and larger ages use the last vector") {
  const auto log = test::repeat_log(3, 6, 4);
  const Batch batch = test::batch_of_all(log, true);
  const auto model = make<float>({.num_items = 6, .embed_dim = 3, .max_age = 2, .item_bias = true, .pointer = true},
                                 {.hidden_size = 4});
  Tape<float> tape;
  CHECK(!model.predict(tape, batch).attention);
  const auto out = model.predict(tape, batch, true);
  CHECK(out.attention.shape() == Shape{batch.segments.tokens()});
  CHECK(out.pointer.shape() == Shape{batch.segments.tokens()});
  CHECK(out.gate.shape() == Shape{batch.segments.count(), 1});
  CHECK(out.queries.shape() == Shape{batch.segments.count(), 3});
  Batch older = batch;
  for (Index& age : older.ages) age = age > 0 ? age + 7 : 0;
  CHECK(test::same(scores_of(model, older).view(), scores_of(model, batch).view()));
}

TEST_CASE("AttentionRecommender rejects invalid arguments") {
  const auto log = test::repeat_log(3, 6, 4);
  const Batch batch = test::batch_of_all(log, true);
  CHECK(error_of<OptionError>([] {
          AttentionRecommender<float>({.num_items = 0, .max_age = 32, .item_bias = true, .pointer = true});
        }) != "");
  CHECK(error_of<OptionError>([] {
          AttentionRecommender<float>({.num_items = 3, .max_age = -1, .item_bias = true, .pointer = true});
        }) != "");
  CHECK(error_of<OptionError>([] {
          AttentionRecommender<float>({.num_items = 3, .max_age = 32, .item_bias = true, .pointer = true},
                                      {.dropout = 1});
        }) == "AttentionEncoder: dropout 1.000000 is not in [0, 1)");
  Tape<float> tape;
  const auto small = make<float>({.num_items = 5, .embed_dim = 3, .max_age = 32, .item_bias = true, .pointer = true},
                                 {.hidden_size = 4});
  CHECK_THAT(error_of<IndexError>([&] { small.loss(tape, batch); }), Catch::Matchers::Contains("of a table of 5"));
  auto unknown = batch;
  unknown.targets[0] = 6;
  const auto model = make<float>({.num_items = 6, .embed_dim = 3, .max_age = 32, .item_bias = true, .pointer = true},
                                 {.hidden_size = 4, .attention = AttentionKind::target});
  CHECK(error_of<IndexError>([&] { model.loss(tape, unknown); }) == "NextItem: target 6 of a catalogue of 6");
  CHECK(error_of<OptionError>([&] { model.loss(tape, test::batch_of_all(log, false)); }) ==
        "HistoryInput: basket ages require one query per history, at its end: set max_age = 0");
  Tensor<float> room({1, 6});
  CHECK(error_of<ShapeError>([&] { model.score(tape, batch, room.view()); }) ==
        "NextItem: scores [1, 6], wanted [9, 6]");
}

TEST_CASE("AttentionRecommender: a const model trains, and a move keeps parameters in place") {
  const auto log = test::repeat_log(3, 6, 4);
  const Batch batch = test::batch_of_all(log, true);
  for (const AttentionKind kind : kinds) {
    test::check_const_and_move(
        AttentionRecommender<float>({.num_items = 6, .embed_dim = 3, .max_age = 32, .item_bias = true, .pointer = true},
                                    {.hidden_size = 4, .attention = kind, .num_heads = 2}),
        [&](const auto& model, auto& tape) { return model.loss(tape, batch); },
        kind == AttentionKind::target ? "encoder.attention.unit.layers.1.bias" : "");  // softmax is invariant to it
  }
}

}  // namespace HEED_TEST_UNIT
