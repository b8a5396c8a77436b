// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/candidate_scorer.hpp"

#include <numeric>

#include "heed/optim/adam.hpp"
#include "heed/recsys/batch_ranker.hpp"
#include "heed/recsys/evaluate_sampled.hpp"
#include "heed/recsys/models/din.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;
using test::error_of;

template <class Model>
void train(Model& model, const data::Batch& batch) {
  nn::initialize(model, Random(1));
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 0.01});
  Tape<float> tape({.training = true, .random = Random(2)});
  for (int step = 0; step < 300; ++step) {
    tape.clear();
    backward(model.loss(tape, batch));
    adam.step();
  }
}

/// Returns the AUC of the held-out items against all others, and checks it against the scores of the whole catalogue.
template <class Model>
double auc_of(const Model& model, const data::Interactions& log) {
  const auto split = data::leave_one_out(log);
  const auto out = evaluate_sampled(log, split, CandidateScorer<Model>(model),
                                    {.k = 1, .candidates = Candidates::all, .keep_history = true});
  BatchRanker<Model> ranker(model);
  const auto full = evaluate(log, split, ranker, {.k = 1});
  CHECK(out.metrics.mean().hit_rate == Approx(full.all.mean().hit_rate));
  REQUIRE(!out.auc.empty());
  return std::accumulate(out.auc.begin(), out.auc.end(), 0.0) / static_cast<double>(out.auc.size());
}

TEST_CASE("a trained model has a high AUC", "[recsys][candidate_scorer]") {
  const auto log = test::circle_log(24, 8, 6);
  const auto batch = test::batch_of_all(log, false);
  DIN<float> din({.num_items = 8, .embed_dim = 16, .hidden_features = {32}, .negatives = 4});
  nn::initialize(din, Random(1));
  CHECK(auc_of(din, log) < 0.9);
  train(din, batch);
  CHECK(auc_of(din, log) > 0.99);
  SASRec<float> sasrec({.num_items = 8, .embed_dim = 16, .max_length = 10}, {.feedforward_dim = 16, .dropout = 0});
  train(sasrec, batch);
  CHECK(auc_of(sasrec, log) > 0.99);
}

TEST_CASE("a candidate scorer limits histories, and rejects invalid arguments", "[recsys][candidate_scorer]") {
  DIN<float> model({.num_items = 8, .embed_dim = 4});
  nn::initialize(model, Random(1));
  const std::vector<std::int32_t> items = {3, 1, 2}, last = {2}, asked = {5, 0};
  std::vector<double> whole(2), cut(2), alone(2);
  CandidateScorer<DIN<float>> score(model), one(model, {.max_length = 1});
  score({.items = items}, asked, whole);
  score({.items = last}, asked, alone);
  one({.items = items}, asked, cut);
  CHECK(cut == alone);
  CHECK(cut != whole);
  const std::vector<std::int32_t> unknown = {0, 8};
  CHECK(error_of<IndexError>([&] { score({.items = items}, unknown, cut); }) ==
        "CandidateScorer: item 8 of a catalogue of 8");
  CHECK(error_of<ShapeError>([&] { score({.items = items}, items, cut); }) ==
        "CandidateScorer: wanted 3 scores, got 2");
  CHECK(error_of<OptionError>([&] { CandidateScorer<DIN<float>>(model, {.max_length = -1}); }) ==
        "CandidateScorer: max_length -1");
}

TEST_CASE("a candidate scorer cannot be made of a temporary model", "[recsys][candidate_scorer]") {
  STATIC_REQUIRE(std::is_constructible_v<CandidateScorer<DIN<float>>, const DIN<float>&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<CandidateScorer<DIN<float>>, DIN<float>>);
}

}  // namespace HEED_TEST_UNIT
