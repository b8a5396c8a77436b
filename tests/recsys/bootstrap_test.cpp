// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/bootstrap.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed::recsys;
using heed::Random;

TEST_CASE("the interval is close to the normal approximation for many users", "[recsys][bootstrap]") {
  // The pairs are correlated: an unpaired interval would be 20 times as wide.
  std::vector<double> a, b;
  double sum = 0, squares = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const double shared = 20 * Random(1).normal(i), difference = 0.1 + Random(2).normal(i);
    a.push_back(shared + difference);
    b.push_back(shared);
    sum += difference;
    squares += difference * difference;
  }
  const double mean = sum / 2000, error = std::sqrt((squares / 2000 - mean * mean) / 2000);
  const MeanDifference result = paired_bootstrap(a, b, Random(3), {.resamples = 2000});
  CHECK(result.mean == Approx(mean));
  CHECK(result.low == Approx(mean - 1.96 * error).margin(0.1 * error));
  CHECK(result.high == Approx(mean + 1.96 * error).margin(0.1 * error));
  const MeanDifference half = paired_bootstrap(a, b, Random(3), {.resamples = 2000, .level = 0.5});
  CHECK(half.high - half.low == Approx(2 * 0.6745 * error).epsilon(0.1));
}

TEST_CASE("the bootstrap is reproducible and antisymmetric", "[recsys][bootstrap]") {
  const std::vector<double> a = {1, 0, 1, 1}, b = {0, 0, 1, 0};
  const MeanDifference once = paired_bootstrap(a, b, Random(7)), again = paired_bootstrap(a, b, Random(7));
  CHECK(once.low == again.low);
  CHECK(once.high == again.high);
  const MeanDifference turned = paired_bootstrap(b, a, Random(7));
  CHECK(turned.mean == -once.mean);
  CHECK(turned.low == Approx(-once.high));
  const MeanDifference none = paired_bootstrap(a, a, Random(7));
  CHECK(none.low == 0);
  CHECK(none.high == 0);
}

TEST_CASE("the interval of a constant difference is this difference", "[recsys][bootstrap]") {
  const std::vector<double> a = {3, 5, 2}, b = {1, 3, 0};
  for (const heed::Index resamples : {1, 10}) {
    const MeanDifference result = paired_bootstrap(a, b, Random(7), {.resamples = resamples});
    CHECK(result.mean == 2);
    CHECK(result.low == 2);
    CHECK(result.high == 2);
  }
}

TEST_CASE("the ends of the interval are interpolated between the resampled means", "[recsys][bootstrap]") {
  const std::vector<double> a = {1, 2, 4, 8, 16, 32, 64}, b(7);
  const Random random(3);
  std::vector<double> means(4);
  std::uint64_t draw = 0;
  for (double& mean : means) {
    for (int i = 0; i < 7; ++i) mean += a[static_cast<std::size_t>(random.below(draw++, 7))] / 7;
  }
  std::sort(means.begin(), means.end());
  const MeanDifference result = paired_bootstrap(a, b, random, {.resamples = 4, .level = 0.5});
  CHECK(result.low == Approx(0.25 * means[0] + 0.75 * means[1]));   // place 0.25 * 3
  CHECK(result.high == Approx(0.75 * means[2] + 0.25 * means[3]));  // place 0.75 * 3
}

TEST_CASE("invalid bootstrap arguments are errors", "[recsys][bootstrap]") {
  const std::vector<double> a = {1, 0}, b = {1};
  CHECK_THROWS_AS(paired_bootstrap(a, b, Random(1)), heed::ShapeError);
  CHECK_THROWS_AS(paired_bootstrap({}, {}, Random(1)), heed::ShapeError);
  CHECK_THROWS_AS(paired_bootstrap(a, a, Random(1), {.level = 1}), heed::OptionError);
  CHECK_THROWS_AS(paired_bootstrap(a, a, Random(1), {.level = 0}), heed::OptionError);
  CHECK_THROWS_AS(paired_bootstrap(a, a, Random(1), {.resamples = 0}), heed::OptionError);
}

}  // namespace HEED_TEST_UNIT
