// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/deletion_test.hpp"

#include "heed/optim/adam.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::recsys;
using test::error_of;

template <class Model>
void train(Model& model, const data::Batch& batch, int steps) {
  nn::initialize(model, Random(1));
  optim::Adam<float> adam(nn::parameters(model), {.learning_rate = 0.01});
  Tape<float> tape({.training = true, .random = Random(2)});
  for (int step = 0; step < steps; ++step) {
    tape.clear();
    backward(model.loss(tape, batch));
    adam.step();
  }
}

std::vector<data::History> histories(const data::Interactions& log) {
  std::vector<data::History> out;
  for (data::Id u = 1; u < log.num_users(); ++u) out.push_back(log.user(u));
  return out;
}

TEST_CASE("deletion test on a circle: the item with the largest weight matters most", "[recsys][deletion_test]") {
  const auto log = test::circle_log(24, 8, 6);
  const auto pasts = histories(log);
  Tape<float> tape({.record = false});
  SASRec<float> sasrec({.num_items = 8, .embed_dim = 16, .max_length = 10},
                       {.num_blocks = 1, .num_heads = 2, .feedforward_dim = 16, .dropout = 0});
  train(sasrec, test::batch_of_all(log, false), 200);
  const DeletionTest one = deletion_test(sasrec, tape, pasts, Random(3), {.k = 3});
  CHECK(one.histories == 24);
  CHECK(one.difference.mean == Approx(one.most_weighed - one.other));
  CHECK(one.difference.low > 0);
  const DeletionTest again = deletion_test(sasrec, tape, pasts, Random(3), {.k = 3});
  CHECK(again.other == one.other);
  CHECK(again.difference.low == one.difference.low);
}

TEST_CASE("deletion test of the repeat-aware head on repeated items", "[recsys][deletion_test]") {
  const auto log = test::repeat_log(24, 12, 5);
  const auto pasts = histories(log);
  Tape<float> tape({.record = false});
  AttentionRecommender<float> model({.num_items = 12, .embed_dim = 8, .max_age = 8, .pointer = true},
                                    {.hidden_size = 8, .dropout = 0});
  train(model, test::batch_of_all(log, true), 150);
  const DeletionTest out = deletion_test(model, tape, pasts, Random(3));
  CHECK(out.histories == 24);
  CHECK(out.difference.low > 0);
  CHECK(out.most_weighed > 2 * out.other);
}

TEST_CASE("deletion test by hand, and histories with fewer than two weighted items", "[recsys][deletion_test]") {
  const std::vector<std::int32_t> items = {9, 1, 2, 1}, left = {2};
  const std::vector<std::int64_t> times = {0, 1, 2, 3}, then = {2};
  AttentionRecommender<float> model({.num_items = 12, .embed_dim = 8, .max_age = 8}, {.hidden_size = 8});
  nn::initialize(model, Random(1));
  for (const auto& named : nn::parameters(model)) nn::init_normal(*named.parameter, Random(2).fork(named.name), 0.7);
  Tape<float> tape({.record = false});
  const data::History past{.items = items, .times = times};
  // The model sees 1, 2, 1: one of the two is deleted, and 9 stays outside.
  const ExplainOptions options{.k = 12, .max_length = 3};
  const auto why = explain(model, tape, past, options);
  const std::int32_t most = weighed_items(past, why)[0].item;
  const std::vector<std::int32_t> ones = {1, 1};
  const std::vector<std::int64_t> when = {1, 3};
  const auto moved = [&](std::int32_t gone) {
    const data::History rest =
        gone == 1 ? data::History{.items = left, .times = then} : data::History{.items = ones, .times = when};
    double sum = 0;
    for (const auto& a : why.top) {
      for (const auto& b : explain(model, tape, rest, {.k = 12}).top) {
        if (a.item == b.item) sum += std::abs(a.score - b.score);
      }
    }
    return sum;
  };
  const DeletionTest out = deletion_test(model, tape, std::span(&past, 1), Random(3), options);
  CHECK(out.histories == 1);
  CHECK(out.most_weighed == Approx(moved(most)));
  CHECK(out.other == Approx(moved(3 - most)));

  const data::History same{.items = ones}, nobody{};
  const std::vector<data::History> silent = {same, nobody};
  const DeletionTest none = deletion_test(model, tape, silent, Random(3));
  CHECK(none.histories == 0);
  CHECK(none.most_weighed == 0);
  AttentionRecommender<float> blind({.num_items = 12, .embed_dim = 8},
                                    {.hidden_size = 8, .attention = AttentionKind::none});
  nn::initialize(blind, Random(1));
  CHECK(deletion_test(blind, tape, std::span(&past, 1), Random(3)).histories == 0);
  Tape<float> training({.training = true});
  CHECK(error_of<OptionError>([&] { deletion_test(model, training, std::span(&past, 1), Random(3)); }) ==
        "explain: the tape is in training mode: dropout would be applied");
}

}  // namespace HEED_TEST_UNIT
