// SPDX-License-Identifier: Apache-2.0
#include "heed/testing/allclose.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using heed::Index;
using heed::Tensor;
using heed::testing::allclose;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <std::size_t N>
Tensor<double> vector(const double (&values)[N]) {
  return Tensor<double>::of(values);
}

}  // namespace

TEST_CASE("allclose is relative to the largest expected element and reports the worst element") {
  const auto result = allclose(vector({100, 1.5, 0}), vector({100, 1, 0}), 1e-3);
  CHECK_FALSE(result);
  CHECK(result.position == 1);
  CHECK(result.error == 0.005);
  CHECK_THAT(result.message(), Catch::Contains("element 1 of [3]") && Catch::Contains("wanted 1, got 1.5"));
  CHECK(allclose(vector({100, 1.5, 0}), vector({100, 1, 0}), 0.005));
  CHECK(allclose(vector({0, 1e-9}), vector({0, 0}), 1e-8));
  CHECK_FALSE(allclose(vector({0, 1e-7}), vector({0, 0}), 1e-8));
}

TEST_CASE("allclose rejects NaN, infinities that differ and different shapes") {
  CHECK_FALSE(allclose(vector({1, not_a_number}), vector({1, 2}), 1e9));
  CHECK_FALSE(allclose(vector({1, 2}), vector({1, not_a_number}), 1e9));
  CHECK_FALSE(allclose(vector({not_a_number, 2}), vector({not_a_number, 2}), 1e9));
  CHECK(allclose(vector({not_a_number, 2}), vector({1, 2}), 1e9).position == 0);
  CHECK_FALSE(allclose(vector({infinity, 2}), vector({-infinity, 2}), 1e9));
  CHECK_FALSE(allclose(vector({infinity, 2}), vector({1, 2}), 1e9));
  CHECK(allclose(vector({-infinity, 2}), vector({-infinity, 2}), 0));
  const auto shapes = allclose(Tensor<double>({2, 3}), Tensor<double>({3, 2}), 1e9);
  CHECK_FALSE(shapes);
  CHECK(shapes.message() == "wanted shape [3, 2], got [2, 3]");
  CHECK_FALSE(allclose(vector({1}), vector({1}), not_a_number));
}

TEST_CASE("allclose accepts strided views, mixed precisions and empty arrays") {
  const Tensor<float> wide = Tensor<float>::of({{1, 2, 9}, {3, 4, 9}});
  CHECK(allclose(wide.view().columns(0, 2), Tensor<double>::of({{1, 2}, {3, 4}}).view(), 0));
  CHECK_FALSE(allclose(wide.view().columns(1, 3), Tensor<double>::of({{1, 2}, {3, 4}}).view(), 1e-3));
  CHECK(allclose(Tensor<float>({0, 3}), Tensor<double>({0, 3}), 0));
}

}  // namespace HEED_TEST_UNIT
