// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/check_finite.hpp"

#include "heed/recsys/candidate_scorer.hpp"
#include "heed/recsys/deletion_test.hpp"
#include "heed/recsys/explain.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/models/din.hpp"
#include "heed/recsys/session.hpp"
#include "heed/recsys/task.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using test::error_of;
using Model = AttentionRecommender<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

Model make(const data::Interactions& log) {
  Model model({.num_items = log.num_items(), .embed_dim = 4, .item_bias = true, .pointer = true}, {.hidden_size = 4});
  nn::initialize(model, Random(1));
  return model;
}

TEST_CASE("scores are refused for NaN and infinity at any place, and accepted with -infinity") {
  std::vector<double> scores(100, -1e300);
  scores[7] = scores[63] = scores[99] = -INFINITY;
  const auto error = [&] {
    return error_of<Error>([&] { check_finite("test", NoModel(), std::span<const double>(scores)); });
  };
  CHECK(error() == "");
  scores[99] = INFINITY;
  CHECK(error() == "test: a score is inf");
  scores[0] = NAN;
  CHECK(error() == "test: a score is nan");
}

TEST_CASE("every ranking of a model with a weight that is not finite is refused, and the weight is named") {
  const auto log = test::repeat_log(9, 12, 4);
  const auto split = data::last_basket(log);
  const data::History past = log.user(3).first(4);
  const std::vector<data::Id> candidates{1, 2};
  const auto check = [&](const Model& model, const std::string& what) {
    const auto refused = [&](const std::string& operation, const auto& call) {
      const std::string text = error_of<Error>(call);
      CHECK_THAT(text, StartsWith(operation + ": a score is "));
      CHECK_THAT(text, EndsWith(what));
    };
    BatchRanker<Model> ranker(model);
    refused("BatchRanker", [&] { evaluate(log, split, ranker, {.k = 3}); });
    Session<Model> session(model);
    for (Index i = 0; i < past.size(); ++i) {
      session.push(past.items[static_cast<std::size_t>(i)], past.times[static_cast<std::size_t>(i)]);
    }
    refused("Session::top_k", [&] { session.top_k(2); });
    Tape<float> tape({.record = false});
    refused("explain", [&] { explain(model, tape, past); });
    refused("explain", [&] { deletion_test(model, tape, std::span(&past, 1), Random(1)); });
    const Explanation why{.top = {{.item = 1}}, .begin = 0, .weights = {}};
    refused("deletion_test", [&] { recsys::detail::movement(model, tape, past, 1, why, {}); });
    std::vector<double> scores(2);
    CandidateScorer<Model> scorer(model);
    refused("CandidateScorer", [&] { scorer(past, candidates, scores); });
  };
  Model model = make(log);
  model.input.items.weight.value()(11, 2) = not_a_number;  // an item of no history: only its own score
  check(model, "items.weight [12, 4] is nan in row 11, column 2");
  model = make(log);
  model.item_bias.value()(5) = infinity;
  check(model, "item_bias [12] is inf in row 0, column 5");
  model = make(log);
  for (const auto& named : nn::parameters(model)) named.parameter->value().array() *= 1e30f;
  check(model, "all weights are finite, but the scores overflow");
}

TEST_CASE("a click model with a weight that is not finite gives no scores") {
  DIN<float> model({.num_items = 8, .embed_dim = 4});
  nn::initialize(model, Random(1));
  model.input.items.weight.value()(5, 0) = not_a_number;
  CandidateScorer<DIN<float>> scorer(model);
  const std::vector<data::Id> items{3}, sound{1, 2}, damaged{1, 5};
  std::vector<double> scores(2);
  CHECK(error_of<Error>([&] { scorer({.items = items}, sound, scores); }) == "");
  CHECK_THAT(error_of<Error>([&] { scorer({.items = items}, damaged, scores); }),
             Contains("items.weight [8, 4] is nan in row 5, column 0"));
}

TEST_CASE("a training whose weights overflow in the last step of an epoch ends with an error, not with a figure") {
  const auto log = test::repeat_log(9, 12, 4);
  const Task task(log);
  Model model = make(log);
  const TrainOptions once{.batch_size = 1000, .max_epochs = 1, .learning_rate = 1e30};
  CHECK_THAT(error_of<Error>([&] { fit(model, task, once); }), StartsWith("BatchRanker: a score is "));
}

TEST_CASE("an item with score -infinity is not a candidate") {
  /// Scores items by their ids, except two.
  struct Marked {
    using scalar_type = float;
    Index num_items() const { return 5; }
    void score(Tape<float>&, const data::Batch&, TensorView<float> scores) const {
      for (Index i = 0; i < 5; ++i) scores(0, i) = i == 4 || i == 2 ? -infinity : static_cast<float>(i);
    }
  };
  const Marked model;
  std::vector<data::Id> got;
  Session<Marked> session(model);
  for (const auto& one : session.top_k(9)) got.push_back(one.item);
  CHECK(got == std::vector<data::Id>{3, 1, 0});
  const data::History past{};
  CHECK(BatchRanker<Marked>(model)(std::span(&past, 1), {.k = 9}).front() == got);
}

}  // namespace HEED_TEST_UNIT
