// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/din.hpp"

#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using heed::data::Batch;
using recsys::Combination;
using recsys::DIN;
using recsys::DINOptions;
using test::error_of;
using test::history_of;
using test::scores_of;
using Names = std::vector<std::string>;

DINOptions small() {
  return {.num_items = 6, .embed_dim = 4, .attention_features = {5}, .hidden_features = {7}, .negatives = 2};
}

template <class Scalar>
DIN<Scalar> make(const DINOptions& options, const data::Catalogue& catalogue = {}) {
  DIN<Scalar> model(options, catalogue);
  nn::initialize(model, Random(1));
  nn::init_normal(model.input.items.weight, Random(2), 1);
  return model;
}

/// Computes the layers of an MLP by hand.
Eigen::VectorXd through(const nn::Mlp<double>& mlp, Eigen::VectorXd x, double (*f)(double)) {
  for (const auto& layer : mlp.layers()) {
    x = layer.weight.value().matrix() * x + layer.bias.value().vector();
    if (&layer != &mlp.layers().back()) x = x.unaryExpr(f);
  }
  return x;
}

TEST_CASE("DIN: parameter names and sizes") {
  auto options = small();
  DIN<float> model(options);
  CHECK(test::names(model) == Names{"items.weight", "attention.unit.layers.0.weight", "attention.unit.layers.0.bias",
                                    "attention.unit.layers.1.weight", "attention.unit.layers.1.bias",
                                    "mlp.layers.0.weight", "mlp.layers.0.bias", "mlp.layers.1.weight",
                                    "mlp.layers.1.bias"});
  CHECK(nn::parameter_count(model) == 6 * 4 + 5 * 17 + 6 + 7 * 13 + 8);
  CHECK(model.num_items() == 6);
}

TEST_CASE("DIN, by hand: the sum of the history, weighted for each candidate") {
  const auto model = make<double>(small());
  const auto& table = model.input.items.weight.value();
  const std::vector<std::int32_t> items = {4, 1, 1, 5};
  const Tensor<double> scores = scores_of(model, history_of(items));
  for (Index c = 0; c < 6; ++c) {
    const Eigen::VectorXd q = table.matrix().row(c);
    Eigen::VectorXd interest = Eigen::VectorXd::Zero(4);
    for (const std::int32_t item : items) {
      const Eigen::VectorXd k = table.matrix().row(item);
      Eigen::VectorXd pair(16);
      pair << q, k, q - k, q.cwiseProduct(k);
      interest += through(model.attention.unit, pair, [](double z) { return 1 / (1 + std::exp(-z)); })(0) * k;
    }
    Eigen::VectorXd all(12);
    all << interest, q, interest.cwiseProduct(q);
    const double logit = through(model.mlp, all, [](double z) { return std::max(z, 0.0); })(0);
    CHECK(scores(0, c) == Approx(1 / (1 + std::exp(-logit))).epsilon(1e-12));
  }
}

TEST_CASE("DIN: a candidate's probability is the same as among all items") {
  const auto log = test::repeat_log(5, 6, 3);
  const auto examples = data::next_basket_examples(log, test::all_train(log), 5);
  for (const bool softmax : {false, true}) {
    auto options = small();
    options.softmax = softmax;
    const auto model = make<float>(options);
    Batch batch;
    batch.assign_histories(log, std::span(examples).first(3));
    const Tensor<float> scores = scores_of(model, batch);
    Tape<float> tape;
    const auto p = model.click(tape, batch, std::vector<Index>{3, 3, 0, 5}, Segments({1, 0, 3})).value();
    REQUIRE(p.shape() == Shape{4, 1});
    CHECK(p[0] == scores(0, 3));
    CHECK(p[1] == scores(2, 3));
    CHECK(p[2] == scores(2, 0));
    CHECK(p[3] == scores(2, 5));
    CHECK(error_of<ShapeError>([&] { model.click(tape, batch, std::vector<Index>{1}, Segments({1})); }) ==
          "target_attention: 1 query sequences for 3 key sequences");
  }
}

TEST_CASE("DIN: the gradient of the whole loss is correct") {
  const auto log = test::repeat_log(4, 6, 3);
  for (const bool next_basket : {true, false}) {
    const Batch batch = test::batch_of_all(log, next_basket);
    for (const bool softmax : {false, true}) {
      INFO(next_basket << " " << softmax);
      auto options = small();
      options.softmax = softmax;
      options.dropout = 0.2;
      auto model = make<double>(options);
      const auto result = test::gradcheck_module(
          nn::parameters(model), {},
          [&](Tape<double>& tape, std::span<const Var<double>>) { return model.loss(tape, batch); },
          // A small step, as relu is not differentiable at 0.
          {.step = 0x1p-17, .max_positions = 10, .tape = {.training = true, .random = Random(4)}});
      INFO(result.message());
      CHECK(result);
      CHECK(result.checked > 50);
    }
  }
}

TEST_CASE("DIN, by hand: the loss, with negatives that differ from the target") {
  auto options = small();
  options.num_items = 2;  // the only other item
  options.negatives = 3;
  const auto model = make<double>(options);
  const auto log = test::circle_log(2, 2, 4);
  for (const bool next_basket : {true, false}) {
    const Batch batch = test::batch_of_all(log, next_basket);
    const Tensor<double> p = scores_of(model, batch);
    double expected = 0;
    for (Index q = 0; q < p.rows(); ++q) {
      const Index target = batch.targets[static_cast<std::size_t>(q)];
      expected -= std::log(p(q, target)) + 3 * std::log(1 - p(q, 1 - target));
    }
    Tape<double> tape;
    CHECK(model.loss(tape, batch).item() == Approx(expected / static_cast<double>(4 * p.rows())).epsilon(1e-12));
  }
}

TEST_CASE("DIN learns the next item on a circle, at every position and at ends") {
  const auto log = test::circle_log(24, 8, 6);
  for (const bool next_basket : {true, false}) {
    INFO("next basket " << next_basket);
    const Batch batch = test::batch_of_all(log, next_basket);
    DIN<float> model({.num_items = 8, .embed_dim = 16, .hidden_features = {32}, .negatives = 4});
    test::check_learns(model, batch, 300);
  }
}

TEST_CASE("DIN: scores at every position are bitwise independent of later events, and do not depend on order") {
  const auto model = make<float>(small());
  const std::vector<std::int32_t> items = {4, 1, 1, 5, 0, 2, 3};
  Batch all = history_of(items);
  all.query_segments = all.segments;
  const Tensor<float> scores = scores_of(model, all);
  REQUIRE(scores.rows() == 7);
  for (std::size_t n = 1; n <= items.size(); ++n) {
    const auto row = static_cast<Index>(n) - 1;
    const std::vector<std::int32_t> past(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(n));
    CHECK(test::same(scores_of(model, history_of(past)).view(), scores.view().rows(row, row + 1)));
  }
  const auto other = scores_of(model, history_of({3, 2, 0, 5, 1, 1, 4}));
  for (Index i = 0; i < 6; ++i) CHECK(other(0, i) == Approx(scores(6, i)).epsilon(1e-5));
}

TEST_CASE("DIN: a user's scores do not depend on the batch, the ranker or the session") {
  for (const bool features : {false, true}) {
    auto options = small();
    options.num_features = features ? 3 : 0;
    options.max_age = features ? 4 : 0;
    options.combination = Combination::concat;
    const auto model = make<float>(options, {.features = {.values = {0, 1, 2, -1, 0, 1}}});
    test::check_serves(model);
  }
}

TEST_CASE("DIN: a large catalogue is scored in parts, in bounded memory and without allocations once warm") {
  auto options = small();
  options.num_items = 5000;
  const auto model = make<float>(options);
  const Batch batch = history_of({4, 1, 1, 4999});
  Tape<float> tape({.record = false});
  Tensor<float> scores({1, 5000});
  const auto score = [&] {
    tape.clear();
    model.score(tape, batch, scores.view());
  };
  for (int i = 0; i < 3; ++i) score();
  const auto before = test::allocations();
  score();
  CHECK(test::allocations() == before);
  CHECK(tape.capacity() < 1 << 20);
  for (const Index item : {0, 1023, 1024, 4095, 4999}) {
    Tape<float> one;
    CHECK(model.click(one, batch, std::vector<Index>{item}, Segments({1})).item() == scores(0, item));
  }
}

TEST_CASE("DIN: an empty history is valid") {
  const auto model = make<float>(small());
  const auto log = test::circle_log(1, 6, 3);
  Batch batch;
  batch.assign_histories(log, std::vector<data::Example>{{1, 0, 0, 1}, {1, 0, 2, 3}});
  const Tensor<float> scores = scores_of(model, batch);
  CHECK(test::same(scores_of(model, history_of({})).view(), scores.view().rows(0, 1)));
  CHECK(scores.array().isFinite().all());
  Tensor<float> none({0, 6});
  Tape<float> tape;
  batch.assign_histories(log, {});
  model.score(tape, batch, none.view());
}

TEST_CASE("DIN rejects invalid arguments") {
  const auto wrong = [](auto change) {
    auto options = small();
    change(options);
    return error_of<OptionError>([&] { DIN<float> model(options); });
  };
  CHECK(wrong([](auto& o) { o.num_items = 0; }) != "");
  CHECK(wrong([](auto& o) { o.num_items = 1; }) == "DIN: num_items 1, negatives 2");
  CHECK(wrong([](auto& o) { o.negatives = 0; }) == "DIN: num_items 6, negatives 0");
  CHECK(wrong([](auto& o) { o.dropout = 1; }) == "Mlp: dropout 1.000000 is not in [0, 1)");

  const auto model = make<float>(small());
  Tape<float> tape;
  Batch batch = test::batch_of_all(test::circle_log(3, 6, 4), false);
  Tensor<float> room({1, 6});
  CHECK(error_of<ShapeError>([&] { model.score(tape, batch, room.view()); }) == "DIN: scores [1, 6], wanted [9, 6]");
  batch.targets[0] = 6;
  CHECK(error_of<IndexError>([&] { model.loss(tape, batch); }) == "Embedding: id 6 at position 0 of a table of 6");
  batch.target_segments.assign(std::vector<Index>{9, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(error_of<ShapeError>([&] { model.loss(tape, batch); }) == "DIN: several targets at every position");
}

TEST_CASE("DIN: a const model trains, and a move keeps parameters in place") {
  const Batch batch = test::batch_of_all(test::circle_log(3, 6, 4), false);
  test::check_const_and_move(DIN<float>(small()),
                             [&](const auto& model, auto& tape) { return model.loss(tape, batch); });
}

}  // namespace HEED_TEST_UNIT
