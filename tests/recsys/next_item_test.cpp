// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/next_item.hpp"

#include "heed/recsys/models/sasrec.hpp"
#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::SASRec;
using test::error_of;

TEST_CASE("NextItem: the repeat-aware head works with any encoder") {
  const auto log = test::repeat_log(4, 6, 3);
  for (const bool next_basket : {true, false}) {
    const auto batch = test::batch_of_all(log, next_basket);
    SASRec<double> model({.num_items = 6, .embed_dim = 4, .item_bias = true, .pointer = true},
                         {.num_blocks = 1, .num_heads = 2, .feedforward_dim = 5, .dropout = 0});
    nn::initialize(model, Random(1));
    Tape<double> tape;
    Tensor<double> p({batch.query_segments.tokens(), 6});
    model.score(tape, batch, p.view());
    CHECK(model.loss(tape, batch).item() == Approx(test::negative_log_likelihood(p, batch)).epsilon(1e-12));
    const auto result =
        test::gradcheck_module(nn::parameters(model), {},
                               [&](Tape<double>& on, std::span<const Var<double>>) { return model.loss(on, batch); },
                               {.step = 0x1p-17, .max_positions = 8});
    INFO(result.message());
    CHECK(result);
  }
}

TEST_CASE("NextItem: scores use the scale of the loss") {
  data::Batch batch;
  batch.assign_history({.items = std::vector<data::Id>{1, 2, 3}}, 100);
  Tensor<double> p[2];
  for (const int scaled : {0, 1}) {
    SASRec<double> model({.num_items = 6, .embed_dim = 4, .item_deviation = 1, .loss = {.scale = scaled ? 3.0 : 1.0}},
                         {.feedforward_dim = 5});
    nn::initialize(model, Random(1));
    Tape<double> tape;
    p[scaled] = Tensor<double>({1, 6});
    model.score(tape, batch, p[scaled].view());
  }
  for (Index i = 1; i < 6; ++i) {
    CHECK(std::log(p[1](0, i) / p[1](0, 0)) == Approx(3 * std::log(p[0](0, i) / p[0](0, 0))).epsilon(1e-9));
  }
}

TEST_CASE("NextItem rejects invalid arguments") {
  CHECK(error_of<OptionError>([] {
          SASRec<float>({.num_items = 3, .pointer = true, .loss = {.kind = recsys::NextItemLoss::Kind::bce}});
        }) == "NextItem: the repeat-aware head requires the softmax loss over the whole catalogue");
  CHECK(error_of<OptionError>([] { SASRec<float>({.num_items = 3, .max_length = 0}); }) == "NextItem: max_length 0");
  SASRec<float> model({.num_items = 6, .embed_dim = 4, .pointer = true});
  nn::initialize(model, Random(1));
  auto batch = test::batch_of_all(test::repeat_log(4, 6, 3), true);
  Tape<float> tape;
  Tensor<float> room({1, 6});
  CHECK(error_of<ShapeError>([&] { model.score(tape, batch, room.view()); }) ==
        message("NextItem: scores [1, 6], wanted [", batch.query_segments.tokens(), ", 6]"));
  batch.targets[0] = 6;
  CHECK(error_of<IndexError>([&] { model.loss(tape, batch); }) == "NextItem: target 6 of a catalogue of 6");
}

}  // namespace HEED_TEST_UNIT
