// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/train_report.hpp"

#include <catch2/catch.hpp>

#include "heed/core/options.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("epochs since the best one are counted", "[recsys][train_report]") {
  recsys::TrainReport report;
  CHECK(report.since_best() == 0);
  report.epochs.resize(5);
  CHECK(report.since_best() == 5);
  report.best_epoch = 2;
  CHECK(report.since_best() == 3);
}

TEST_CASE("without time there is no rate, rather than infinity", "[recsys][train_report]") {
  recsys::TrainPosition position{.tokens = 12};
  CHECK(position.tokens_per_second() == 0);
  position.seconds = {.batches = 1, .forward = 1, .backward = 1, .update = 1, .validation = 9};
  CHECK(position.tokens_per_second() == 3);
}

TEST_CASE("what a checkpoint holds is listed by fields", "[recsys][train_report]") {
  STATIC_REQUIRE(OptionValue<recsys::TrainPosition>);
  STATIC_REQUIRE(OptionValue<recsys::TrainReport>);
  STATIC_REQUIRE(OptionValue<decltype(recsys::TrainReport::epochs)>);
}

}  // namespace HEED_TEST_UNIT
