// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/operators.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("operators equal the operations they denote") {
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>::of({6, -2})), y = tape.constant(Tensor<double>::of({3, 4}));
  const auto is = [](Var<double> v, double first, double second) {
    return v.shape() == Shape{2} && v.value()[0] == first && v.value()[1] == second;
  };
  CHECK(is(x + y, 9, 2));
  CHECK(is(x - y, 3, -6));
  CHECK(is(x * y, 18, -8));
  CHECK(is(x / y, 2, -0.5));
  CHECK(is(-x, -6, 2));
  CHECK(is(x + 1, 7, -1));
  CHECK(is(1 + x, 7, -1));
  CHECK(is(x - 1, 5, -3));
  CHECK(is(1 - x, -5, 3));
  CHECK(is(x * 2.5, 15, -5));
  CHECK(is(2 * x, 12, -4));
  CHECK(is(x / 2, 3, -1));
  CHECK(is(12 / x, 2, -6));
}

TEST_CASE("gradients flow through an expression") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::scalar(2));
  const auto y = (x * x - 3 * x + 1) / (x + 1) - 2 / x;  // (x^2 - 3 x + 1) / (x + 1) - 2 / x
  CHECK(y.item() == Approx(-1.0 / 3 - 1));
  backward(y);
  // ((2 x - 3) (x + 1) - (x^2 - 3 x + 1)) / (x + 1)^2 + 2 / x^2
  CHECK(x.gradient()[0] == Approx(4.0 / 9 + 0.5).epsilon(1e-14));
}

TEST_CASE("float expressions accept numbers without warnings or explicit conversions") {
  Tape<float> tape;
  const auto x = tape.constant(2.0f);
  CHECK((1 / (0.1 + x) * 3 - 0.5).item() == Approx(3 / 2.1 - 0.5).epsilon(1e-6));
}

}  // namespace HEED_TEST_UNIT
