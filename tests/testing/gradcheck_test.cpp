// SPDX-License-Identifier: Apache-2.0
// The behaviour of gradcheck; the faults that it must detect are in mutants_test.cpp.
#include "heed/testing/gradcheck.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using namespace heed;
using Vars = std::span<const Var<double>>;

/// y = x^3, elementwise, of any strides.
Var<double> cube(Var<double> x) {
  Tape<double>& tape = x.tape();
  const auto in = x.value();
  const auto y = tape.allocate(x.shape());
  for (Index i = 0; i < y.rows(); ++i) {
    for (Index j = 0; j < y.cols(); ++j) y(i, j) = in(i, j) * in(i, j) * in(i, j);
  }
  return record(tape, {x}, y, [=](const Gradients<double>& g) {
    const auto dx = g(x);
    for (Index i = 0; i < dx.rows(); ++i) {
      for (Index j = 0; j < dx.cols(); ++j) dx(i, j) += 3 * in(i, j) * in(i, j) * g.output()(i, j);
    }
  });
}

TEST_CASE("gradcheck accepts a correct gradient with a small error") {
  const std::vector<Tensor<double>> inputs = {Tensor<double>::normal({3, 5}, Random(1))};
  for (const bool strided : {false, true}) {
    const auto result =
        testing::gradcheck([](Tape<double>&, Vars x) { return cube(x[0]); }, inputs, {.strided = strided});
    INFO(result.message());
    CHECK(result);
    CHECK(result.error < 1e-10);
    CHECK(result.checked == 15);
  }
}

TEST_CASE("gradcheck accepts scalars, empty arrays, and an output that is an input or does not depend on one") {
  const auto cubed = [](Tape<double>&, Vars x) { return cube(x[0]); };
  const std::vector<Tensor<double>> scalar = {Tensor<double>::scalar(2)}, empty = {Tensor<double>({0, 3})};
  CHECK(testing::gradcheck(cubed, scalar).checked == 1);
  CHECK(testing::gradcheck(cubed, scalar, {.strided = true}));
  CHECK(testing::gradcheck(cubed, empty));
  CHECK(testing::gradcheck([](Tape<double>&, Vars x) { return x[0]; }, scalar));
  CHECK(testing::gradcheck([](Tape<double>& tape, Vars) { return tape.constant(3.0); }, scalar));
}

TEST_CASE("gradcheck compares a random subset of a large input") {
  const std::vector<Tensor<double>> inputs = {Tensor<double>::normal({1000}, Random(1))};
  const auto result =
      testing::gradcheck([](Tape<double>&, Vars x) { return cube(x[0]); }, inputs, {.max_positions = 20});
  CHECK(result);
  CHECK(result.checked == 20);
}

TEST_CASE("gradcheck passes its tape options to the function") {
  bool training = false;
  const std::vector<Tensor<double>> inputs = {Tensor<double>::scalar(1)};
  CHECK(testing::gradcheck(
      [&](Tape<double>& tape, Vars x) {
        training = tape.training();
        return cube(x[0]);
      },
      inputs, {.tape = {.training = true}}));
  CHECK(training);
}

}  // namespace HEED_TEST_UNIT
