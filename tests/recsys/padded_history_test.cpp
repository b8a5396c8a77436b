// SPDX-License-Identifier: Apache-2.0
#include "recsys/padded_history.hpp"

#include "heed/recsys/models/sasrec.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using nn::NormPlacement;
using recsys::SASRec;

constexpr Index items = 20, longest = 50;

/// Histories of 2 to `longest` events, with a query at every position.
data::Batch ragged() {
  const auto log = test::circle_log(9, items, longest + 1);
  std::vector<data::Example> examples;
  for (const Index length : {Index{2}, Index{17}, longest, Index{3}, Index{16}, Index{5}, Index{33}, Index{2}}) {
    examples.push_back({static_cast<data::Id>(examples.size() + 1), 0, length, length + 1});
  }
  data::Batch batch;
  batch.assign_every_position(log, examples);
  return batch;
}

SASRec<float> make(NormPlacement norm) {
  SASRec<float> model({.num_items = items, .max_length = longest}, {.norm = norm, .dropout = 0});
  nn::initialize(model, Random(1));
  return model;
}

struct Step {
  Tensor<float> states, scores, loss;
};
Step step(const SASRec<float>& model, const data::Batch& batch) {
  Tape<float> tape({.training = true});
  Step out{{}, Tensor<float>({batch.query_segments.tokens(), items}), {}};
  const auto prediction = model.predict(tape, batch);
  out.states = Tensor<float>(prediction.queries.value());
  model.score(prediction, batch, out.scores.view());
  const auto loss = model.loss(tape, batch);
  out.loss = Tensor<float>(loss.value());
  backward(loss);
  return out;
}

TEST_CASE("ragged and padded histories: states, scores and loss are bitwise equal, gradients up to rounding") {
  const data::Batch batch = ragged(), filled = test::padded(batch, longest);
  REQUIRE(filled.segments.tokens() == 8 * longest);
  REQUIRE(filled.query_segments.tokens() == batch.segments.tokens());
  for (const NormPlacement norm : {NormPlacement::pre, NormPlacement::post, NormPlacement::query}) {
    INFO("norm " << static_cast<int>(norm));
    auto one = make(norm), other = make(norm);
    const Step a = step(one, batch), b = step(other, filled);
    CHECK(test::same(a.states, b.states));
    CHECK(test::same(a.scores, b.scores));
    CHECK(a.loss.data()[0] == b.loss.data()[0]);
    const auto of_one = nn::parameters(one), of_other = nn::parameters(other);
    for (std::size_t i = 0; i < of_one.size(); ++i) {
      INFO(of_one[i].name);
      CHECK(testing::allclose(of_other[i].parameter->gradient(), of_one[i].parameter->gradient(), 1e-5));
    }
  }
}

}  // namespace HEED_TEST_UNIT
