// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/configuration.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using namespace heed;

TEST_CASE("a preset has its encoder, and the history length of the task", "[recsys][configuration]") {
  for (const auto& [name, defaults] : recsys::AnyEncoderOptions::choices()) {
    INFO(name);
    for (const bool next_basket : {false, true}) {
      const auto preset = recsys::preset(name, next_basket);
      CHECK(preset.encoder.choice() == name);
      CHECK(preset.task.next_basket == next_basket);
      CHECK(preset.recommender.pointer == next_basket);
      CHECK((preset.recommender.max_age > 0) == next_basket);  // ages require baskets
      CHECK(preset.recommender.max_length == preset.task.max_length);
    }
  }
  CHECK_THROWS_WITH(recsys::preset("rnn", true), Contains("there is no encoder rnn"));
}

TEST_CASE("SASRec's profiles are configurations", "[recsys][configuration]") {
  for (const auto& [name, profile] : recsys::sasrec_profiles()) {
    INFO(name);
    CHECK((profile.model.loss.kind == recsys::NextItemLoss::Kind::bce) == (name == "paper"));
    CHECK((profile.encoder.norm == nn::NormPlacement::query) == (name == "paper" || name == "plus"));
    const auto preset = recsys::sasrec_preset(name, false);
    CHECK(preset.encoder.choice() == "sasrec");
    CHECK(preset.recommender.loss.kind == profile.model.loss.kind);
    CHECK_FALSE(preset.task.next_basket);
    CHECK(preset.task.max_length == profile.model.max_length);
    CHECK(preset.training.max_epochs == (name == "paper" ? 200 : 100));
  }
  CHECK(recsys::sasrec_profiles().size() == 4);
  CHECK_THROWS_WITH(recsys::sasrec_preset("best", false), Contains("there is no profile best"));
}

TEST_CASE("sizes far above what is of use, negative sizes and numbers that are not finite are refused",
          "[recsys][configuration]") {
  const auto refused = [](auto configuration, const auto& change, const std::string& message) {
    recsys::check_bounds(configuration);
    change(configuration);
    CHECK_THROWS_WITH(recsys::check_bounds(configuration), Contains(message));
  };
  using recsys::Configuration;
  const Configuration sasrec = recsys::preset("sasrec", false);
  refused(
      sasrec, [](Configuration& c) { c.recommender.embed_dim = 65'537; },
      "recommender.embed_dim is 65537, wanted 0 to 65536");
  refused(
      sasrec, [](Configuration& c) { c.recommender.loss.negatives = 9'223'372'036'854'775'807; },
      "recommender.loss.negatives is 9223372036854775807, wanted 0 to 1000000");
  refused(
      sasrec, [](Configuration& c) { c.task.max_length = 1'000'000'000'000; }, "task.max_length is 1000000000000");
  refused(
      sasrec, [](Configuration& c) { c.task.k = 0; }, "task.k is 0, wanted 1 to 1000000");
  refused(
      sasrec, [](Configuration& c) { c.training.max_epochs = 1'000'000'000'001; }, "training.max_epochs is 1000000");
  refused(
      sasrec, [](Configuration& c) { c.training.batch_size = -1; }, "training.batch_size is -1");
  refused(
      sasrec, [](Configuration& c) { c.training.learning_rate = NAN; }, "training.learning_rate is ");
  refused(
      sasrec, [](Configuration& c) { std::get<recsys::SASRecEncoderOptions>(c.encoder.encoder).num_heads = 1025; },
      "encoder.num_heads is 1025, wanted 0 to 1024");
  refused(
      recsys::ClickConfiguration{},
      [](recsys::ClickConfiguration& c) {
        c.recommender.hidden_features = {8, 1'000'000};
      },
      "recommender.hidden_features is 1000000");
  Configuration by_time = sasrec;  // times in milliseconds, and before 1970
  by_time.task.cuts = {.validation_time = -1'700'000'000'000, .test_time = 1'700'000'000'000, .unit = {3}};
  recsys::check_bounds(by_time);
}

TEST_CASE("a model has the size of the catalogue", "[recsys][configuration]") {
  data::InteractionsBuilder builder({.kinds = true});
  for (const char* item : {"a", "b", "c"}) builder.add("u", item, 0, 0, item == std::string("a") ? "viewed" : "bought");
  data::Interactions log = std::move(builder).build();
  for (const char* name : {"drinks", "sweets"}) log.catalogue.features.names.add(name);
  log.catalogue.features.values = {0, -1, 1};
  const auto model = recsys::model_of(recsys::Configuration{}, log.catalogue);
  CHECK(model.num_items() == 3);
  CHECK(model.options().num_kinds == 2);
  CHECK(model.options().num_features == 2);
  CHECK(model.input.item_features()[2] == 1);
  const auto din = recsys::model_of(recsys::ClickConfiguration{}, log.catalogue);
  CHECK(din.num_items() == 3);
  CHECK(din.input.item_features()[2] == 1);
}

}  // namespace HEED_TEST_UNIT
