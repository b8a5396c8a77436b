// SPDX-License-Identifier: Apache-2.0
// The forward declarations are those of the types: fwd.hpp comes first, and both meet in one program.
#include "heed/fwd.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

namespace {

heed::Index tokens_of(const heed::Segments& segments);
template <class Scalar>
heed::Index outputs_of(const heed::nn::Linear<Scalar>& layer);

}  // namespace

#include "heed/heed.hpp"

namespace {

heed::Index tokens_of(const heed::Segments& segments) { return segments.tokens(); }
template <class Scalar>
heed::Index outputs_of(const heed::nn::Linear<Scalar>& layer) {
  return layer.weight.shape()[0];
}

}  // namespace

TEST_CASE("declared first, defined later: the same types") {
  CHECK(tokens_of(heed::Segments{2, 3}) == 5);
  CHECK(outputs_of(heed::nn::Linear<float>({.in_features = 2, .out_features = 7})) == 7);
  CHECK(std::is_class_v<heed::recsys::Session<heed::recsys::AttentionRecommender<float>>>);
}
