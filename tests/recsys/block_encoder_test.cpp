// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/block_encoder.hpp"

#include "heed/recsys/models/hstu.hpp"
#include "heed/recsys/models/ligr.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::HSTU;
using recsys::LiGR;
using recsys::SASRec;
using test::EncoderOptionsOf;

/// As `made`, with position vectors of the same size.
template <template <class> class Model>
Model<double> placed(const EncoderOptionsOf<Model, double>& options) {
  auto model = test::made<Model, double>(options);
  if (model.encoder.positions) nn::init_normal(model.encoder.positions->table.weight, Random(3), 1);
  return model;
}

template <template <class> class Model>
void check_without_blocks(EncoderOptionsOf<Model, double> options) {
  options.num_blocks = 0;
  const auto model = placed<Model>(options);
  const data::Batch batch = test::batch_of_all(test::circle_log(3, 6, 5), false);
  Tape<double> tape;
  const auto states = model.encoder(model.input(tape, batch), batch).states;
  REQUIRE(states.shape() == Shape{batch.segments.tokens(), 4});
  for (Index b = 0; b < batch.segments.count(); ++b) {
    for (Index t = batch.segments.begin(b); t < batch.segments.end(b); ++t) {
      const Index item = batch.items[static_cast<std::size_t>(t)], place = t - batch.segments.begin(b);
      Eigen::RowVectorXd x = 2 * model.input.items.weight.value().matrix().row(item);
      if (model.encoder.positions) x += model.encoder.positions->table.weight.value().matrix().row(place);
      const Eigen::RowVectorXd centred = x.array() - x.mean();
      const Eigen::RowVectorXd expected = centred / std::sqrt(centred.squaredNorm() / 4 + 1e-5);
      for (Index j = 0; j < 4; ++j) CHECK(states.value()(t, j) == Approx(expected(j)).epsilon(1e-12));
    }
  }
}

/// Computes two blocks by hand; the attention is that of the second.
template <template <class> class Model>
void check_blocks(const EncoderOptionsOf<Model, double>& options) {
  const auto model = placed<Model>(options);
  REQUIRE(model.encoder.blocks.size() == 2);
  data::Batch batch;
  const auto log = test::repeat_log(4, 6, 3);
  batch.assign_histories(log, data::next_basket_examples(log, test::all_train(log), 5));
  Tape<double> tape;
  const auto encoded = model.encoder(model.input(tape, batch), batch, true);
  auto x = (*model.encoder.positions)(scale(model.input(tape, batch), 2), batch.segments);
  Var<double> weights;
  for (const auto& block : model.encoder.blocks) {
    if constexpr (requires { block(x, batch.segments, batch.times); }) {
      weights = block.attention_weights(x, batch.segments, batch.times, batch.query_rows, batch.query_segments);
      x = block(x, batch.segments, batch.times);
    } else {
      weights = block.attention_weights(x, batch.segments, batch.query_rows, batch.query_segments);
      x = block(x, batch.segments, {.mask = Mask::causal()});
    }
  }
  x = model.encoder.norm(x);
  CHECK(test::same(encoded.states.value(), x.value()));
  CHECK(test::same(encoded.queries.value(), recsys::at_queries(x, batch).value()));
  CHECK(test::same(encoded.attention.value(), weights.value()));
  CHECK(encoded.summary == encoded.queries);
  CHECK(model.encoder.summary_size() == 4);
  CHECK_FALSE(model.encoder(model.input(tape, batch), batch).attention);
}

template <template <class> class Model>
void check_errors(const std::string& name) {
  const auto wrong = [](auto change) {
    EncoderOptionsOf<Model, float> options{.dropout = 0.5};
    change(options);
    return test::error_of<OptionError>([&] { decltype(Model<float>::encoder) encoder(options); });
  };
  CHECK(wrong([](auto& o) { o.num_blocks = -1; }) == name + ": num_blocks -1, dropout 0.500000");
  CHECK(wrong([](auto& o) { o.dropout = 1; }) == name + ": num_blocks 2, dropout 1.000000");
  CHECK(wrong([](auto& o) { o.num_heads = 3; }).ends_with(": 3 heads do not divide embed_dim 64"));
  const auto model = test::made<Model, float>({});
  Tape<float> tape;
  CHECK(model.predict(tape, test::history_of(std::vector<std::int32_t>(12, 1))).queries.rows() == 1);
  CHECK(test::error_of<ShapeError>([&] { model.predict(tape, test::history_of(std::vector<std::int32_t>(13, 1))); }) ==
        "Positions: a history of 13 events, at most 12 are seen");
}

TEST_CASE("without blocks, a state is the norm of the scaled item vector plus its position") {
  check_without_blocks<SASRec>({});
  check_without_blocks<LiGR>({});
  check_without_blocks<HSTU>({});
  check_without_blocks<HSTU>({.positions = false});
}

TEST_CASE("blocks are applied in sequence, and the attention of the last one is returned") {
  check_blocks<SASRec>({.num_heads = 2});
  check_blocks<LiGR>({.num_heads = 2});
  check_blocks<HSTU>({.num_heads = 2});
}

TEST_CASE("errors of a block encoder name the model") {
  check_errors<SASRec>("SASRec");
  check_errors<LiGR>("LiGR");
  check_errors<HSTU>("HSTU");
}

}  // namespace HEED_TEST_UNIT
