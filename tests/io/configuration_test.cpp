// SPDX-License-Identifier: Apache-2.0
#include "heed/io/configuration.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using namespace heed;
using nlohmann::json;

TEST_CASE("a patch changes the options that it names and those derived from them", "[io][configuration]") {
  recsys::Configuration configuration = recsys::preset("sasrec", false);
  const json before = io::to_json(configuration);
  io::change({{"task", {{"max_length", 50}}}, {"encoder", {{"num_heads", 2}}}}, configuration);
  CHECK(io::changes(before, io::to_json(configuration)) ==
        json{{"task", {{"max_length", 50}}}, {"encoder", {{"num_heads", 2}}}, {"recommender", {{"max_length", 50}}}});
  recsys::ClickConfiguration clicks;
  io::change({{"recommender", {{"hidden_features", {8}}, {"activation", "gelu"}}}, {"task", {{"max_length", 9}}}},
             clicks);
  CHECK(clicks.recommender.hidden_features == std::vector<Index>{8});
  CHECK(clicks.recommender.activation == Activation::gelu);
  CHECK(clicks.task.max_length == 9);
}

TEST_CASE("setting a derived option or a size out of bounds is an error", "[io][configuration]") {
  const auto refused = [](const json& patch, const std::string& message) {
    recsys::Configuration configuration;
    const json before = io::to_json(configuration);
    CHECK_THROWS_WITH(io::change(patch, configuration), Contains(message));
    CHECK(io::to_json(configuration) == before);
  };
  refused(io::assignment("recommender.max_length=7"), "recommender.max_length follows task.max_length");
  refused({{"encoder", {{"num_heads", 2}}}, {"recommender", {{"num_kinds", 1}}}}, "num_kinds follows the log");
  refused(io::assignment("recommender.embed_dim=999999999"), "recommender.embed_dim is 999999999, wanted 0 to 65536");
  refused(io::assignment("encoder.embed_dim=8"), "there is no option encoder.embed_dim");
  refused(io::assignment("encoder=8"), "encoder is 8, wanted");
  refused({{"task", {{"k", 5}}}, {"model", "din"}}, "there is no option model, wanted one of recommender, encoder");
}

}  // namespace HEED_TEST_UNIT
