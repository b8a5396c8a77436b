// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/schedule.hpp"

#include <catch2/catch.hpp>

#include "optim/support.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using optim::Decay;
using optim::Schedule;

TEST_CASE("the rate rises linearly and is then constant") {
  const Schedule schedule({.learning_rate = 0.8, .warm_up = 4});
  CHECK(schedule(0) == Approx(0.2));
  CHECK(schedule(1) == Approx(0.4));
  CHECK(schedule(3) == 0.8);
  CHECK(schedule(4) == 0.8);
  CHECK(schedule(1000000) == 0.8);
  CHECK(Schedule({.learning_rate = 0.5})(0) == 0.5);
}

TEST_CASE("the cosine decays from the highest rate to the lowest, through their mean") {
  const Schedule schedule(
      {.learning_rate = 1.0, .warm_up = 10, .decay = Decay::cosine, .total_steps = 110, .final_scale = 0.2});
  CHECK(schedule(9) == 1.0);
  CHECK(schedule(10) == 1.0);
  CHECK(schedule(35) == Approx(0.2 + 0.8 * 0.5 * (1 + std::sqrt(0.5))));
  CHECK(schedule(60) == Approx(0.6));
  CHECK(schedule(110) == Approx(0.2));
  CHECK(schedule(500) == Approx(0.2));
  for (Index step = 10; step < 110; ++step) CHECK(schedule(step + 1) < schedule(step));
}

TEST_CASE("the step decay multiplies the rate by its factor") {
  const Schedule schedule({.learning_rate = 1.0, .warm_up = 2, .decay = Decay::step, .every = 3, .factor = 0.5});
  const double expected[] = {0.5, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25};
  for (Index step = 0; step < 9; ++step) CHECK(schedule(step) == Approx(expected[step]));
}

TEST_CASE("a schedule refuses options out of range") {
  const auto error = [](const optim::ScheduleOptions& options) { return test::error_of([&] { Schedule{options}; }); };
  CHECK(error({.learning_rate = 0}) == "");
  CHECK(error({.learning_rate = -1}) == "schedule: learning_rate -1.000000 is out of range");
  CHECK(error({.warm_up = -1}) == "schedule: warm_up -1.000000 is out of range");
  CHECK(error({.warm_up = 10, .decay = Decay::cosine, .total_steps = 10}) ==
        "schedule: total_steps 10.000000 is out of range");
  CHECK(error({.decay = Decay::cosine, .total_steps = 10, .final_scale = 2}) ==
        "schedule: final_scale 2.000000 is out of range");
  CHECK(error({.decay = Decay::cosine, .total_steps = 10, .final_scale = 1}) == "");
  CHECK(error({.decay = Decay::step}) == "schedule: every 0.000000 is out of range");
  CHECK(error({.decay = Decay::step, .every = 1, .factor = 1}) == "");
  CHECK(error({.decay = Decay::step, .every = 5, .factor = 0}) == "schedule: factor 0.000000 is out of range");
}

}  // namespace HEED_TEST_UNIT
