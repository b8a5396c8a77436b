// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/encoder.hpp"

#include "heed/recsys/models/any.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using data::Batch;

static_assert(recsys::Encoder<recsys::SASRecEncoder<float>>);
static_assert(recsys::Encoder<recsys::AttentionEncoder<double>>);
static_assert(recsys::Encoder<recsys::AnyEncoder<float>>);
static_assert(!recsys::Encoder<nn::Linear<float>>);

TEST_CASE("at_queries returns the rows at the ends or all positions, and zeros for an empty history") {
  Batch batch;
  const auto log = test::circle_log(3, 6, 4);
  batch.assign_histories(log, std::vector<data::Example>{{1, 0, 2, 3}, {2, 0, 0, 1}, {3, 1, 4, 4}});
  CHECK_FALSE(recsys::every_position(batch));
  Tape<float> tape;
  const auto states = tape.constant(test::normal<float>({5, 2}));
  const auto ends = recsys::at_queries(states, batch).value();
  REQUIRE(ends.shape() == Shape{3, 2});
  for (Index j = 0; j < 2; ++j) {
    CHECK(ends(0, j) == states.value()(1, j));
    CHECK(ends(1, j) == 0);
    CHECK(ends(2, j) == states.value()(4, j));
  }
  batch = test::batch_of_all(log, false);
  CHECK(recsys::every_position(batch));
  const auto all = tape.constant(test::normal<float>({batch.segments.tokens(), 2}));
  CHECK(recsys::at_queries(all, batch) == all);
  // One event each: the ends are all positions, without a causal mask.
  batch.assign_histories(log, std::vector<data::Example>{{1, 0, 1, 2}, {2, 0, 1, 2}});
  CHECK_FALSE(recsys::every_position(batch));
}

}  // namespace HEED_TEST_UNIT
