// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/recommender.hpp"

#include <catch2/catch.hpp>

#include "heed/nn/linear.hpp"
#include "heed/recsys/models/any.hpp"
#include "heed/recsys/models/din.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("every neural model of the library is a Recommender, a layer is not") {
  using recsys::Recommender;
  STATIC_REQUIRE(Recommender<recsys::AnyRecommender<float>>);
  STATIC_REQUIRE(Recommender<recsys::AttentionRecommender<double>>);
  STATIC_REQUIRE(Recommender<recsys::GRU4Rec<float>>);
  STATIC_REQUIRE(Recommender<recsys::HSTU<float>>);
  STATIC_REQUIRE(Recommender<recsys::LiGR<float>>);
  STATIC_REQUIRE(Recommender<recsys::LSTM4Rec<float>>);
  STATIC_REQUIRE(Recommender<recsys::NARM<float>>);
  STATIC_REQUIRE(Recommender<recsys::SASRec<float>>);
  STATIC_REQUIRE(Recommender<recsys::DIN<float>>);
  STATIC_REQUIRE_FALSE(Recommender<nn::Linear<float>>);
}

TEST_CASE("seen_length is limited by the model's max_length, if any") {
  struct Short {
    heed::Index max_length() const { return 20; }
  };
  struct Any {};
  CHECK(heed::recsys::seen_length(Short(), 300) == 20);
  CHECK(heed::recsys::seen_length(Short(), 5) == 5);
  CHECK(heed::recsys::seen_length(Any(), 300) == 300);
}

}  // namespace HEED_TEST_UNIT
