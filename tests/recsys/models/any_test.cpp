// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/any.hpp"

#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

template <class Model>
Tensor<float> scores_of(Model& model, const data::Batch& batch) {
  nn::initialize(model, Random(1));
  Tape<float> tape({.record = false});
  Tensor<float> out({batch.query_segments.tokens(), model.num_items()});
  model.score(tape, batch, out.view());
  return out;
}

/// The same names, initial values and scores as the encoder alone.
template <class Encoder>
void check_same(const typename Encoder::options_type& encoder) {
  const recsys::NextItemOptions options{.num_items = 6, .embed_dim = 4, .max_length = 12, .pointer = true};
  recsys::NextItem<Encoder> alone(options, encoder);
  recsys::AnyRecommender<float> any(options, {encoder});
  CHECK(test::names(any) == test::names(alone));
  const auto batch = test::batch_of_all(test::repeat_log(4, 6, 3), true);
  CHECK(test::same(scores_of(any, batch).view(), scores_of(alone, batch).view()));
}

TEST_CASE("AnyRecommender is bitwise equal to the chosen model") {
  check_same<recsys::SASRecEncoder<float>>({.num_heads = 2});
  check_same<recsys::AttentionEncoder<float>>({.hidden_size = 5});
}

TEST_CASE("AnyEncoder gets its sizes from the recommender") {
  const recsys::AnyEncoder<float> encoder({recsys::AttentionEncoderOptions{.hidden_size = 3}, 4, 9});
  CHECK(encoder.width() == 4);
  CHECK(encoder.state_size() == 7);
  CHECK(encoder.summary_size() == 6);
  recsys::AnyRecommender<float> short_one({.num_items = 6, .embed_dim = 4, .max_length = 2},
                                          {recsys::SASRecEncoderOptions{}});
  nn::initialize(short_one, Random(1));
  data::Batch batch;
  batch.assign_history({.items = std::vector<data::Id>{1, 2, 3}}, 100);
  Tape<float> tape;
  CHECK_THAT(test::error_of<ShapeError>([&] { short_one.predict(tape, batch); }),
             Catch::Matchers::Contains("at most 2 are seen"));
}

}  // namespace HEED_TEST_UNIT
