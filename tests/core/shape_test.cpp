// SPDX-License-Identifier: Apache-2.0
#include "heed/core/shape.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a shape gives its rank, size, rows and columns") {
  const Shape scalar, vector{5}, matrix{2, 3}, cube{2, 3, 4}, empty{3, 0, 2};
  CHECK((scalar.rank() == 0 && scalar.size() == 1 && scalar.rows() == 1 && scalar.cols() == 1));
  CHECK((vector.rank() == 1 && vector.size() == 5 && vector.rows() == 1 && vector.cols() == 5));
  CHECK((matrix.rank() == 2 && matrix.size() == 6 && matrix.rows() == 2 && matrix.cols() == 3));
  CHECK((cube.rank() == 3 && cube.size() == 24 && cube.rows() == 6 && cube.cols() == 4));
  CHECK((empty.size() == 0 && empty.rows() == 0 && empty.cols() == 2));
  static_assert(std::is_trivially_copyable_v<Shape>);
  static_assert(Shape{2, 3}.size() == 6);
}

TEST_CASE("dimensions are counted from both ends") {
  const Shape shape{2, 3, 4};
  CHECK((shape[0] == 2 && shape[2] == 4 && shape[-1] == 4 && shape[-3] == 2));
  CHECK_THROWS_AS(shape[3], IndexError);
  CHECK_THROWS_AS(shape[-4], IndexError);
  CHECK_THROWS_WITH(shape[3], "shape: dimension 3 of [2, 3, 4]");
  CHECK_THROWS_AS(Shape()[0], IndexError);
}

TEST_CASE("shapes are equal when all sizes are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{} != Shape{1});
  // Sizes beyond the rank are not compared.
  CHECK(Shape{2, 3, 4}.with_cols(5) == Shape{2, 3, 5});
  CHECK(Shape{}.with_cols(5) == Shape{5});
  CHECK(Shape{4}.with_cols(5) == Shape{5});
}

TEST_CASE("a shape grows to at most six dimensions and refuses negative sizes") {
  Shape shape{1, 2, 3, 4, 5};
  shape.push_back(6);
  CHECK(shape == Shape{1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH(shape.push_back(7), "shape: more than 6 dimensions");
  CHECK(shape.rank() == 6);
  CHECK_THROWS_WITH((Shape{2, -1}), "shape: negative size -1");
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1}), ShapeError);
}

TEST_CASE("a shape prints as a list") {
  CHECK(to_string(Shape{32, 50, 128}) == "[32, 50, 128]");
  CHECK(to_string(Shape{7}) == "[7]");
  CHECK(to_string(Shape{}) == "[]");
}

}  // namespace HEED_TEST_UNIT
