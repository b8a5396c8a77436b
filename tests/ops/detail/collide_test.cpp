// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/detail/collide.hpp"

#include <catch2/catch.hpp>

#include "heed/core/tensor.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("arrays collide where an element of one sequence may be an element of another") {
  const Segments cut({2, 0, 3}), other({3, 1, 1});
  Tensor<float> memory({8, 6}), separate({5, 2});
  // Rows from `row` and columns from `column` on of the memory.
  const auto part = [&](Index row, Index column, Index rows, Index cols) {
    return MatrixView<float>(&memory(row, column), {rows, cols}, 6);
  };
  const auto collide = [&](MatrixView<float> a, MatrixView<float> b, const Segments& of_b) {
    const bool result = detail::collide<float>(a, cut, b, of_b);
    CHECK(detail::collide<float>(b, of_b, a, cut) == result);
    return result;
  };
  const MatrixView<float> a = part(0, 0, 5, 2);
  CHECK(!collide(a, {separate.data(), {5, 2}}, other));
  CHECK(!collide(a, {}, other));

  CHECK(!collide(a, a, cut));
  CHECK(collide(a, a, other));
  CHECK(!collide(a, part(0, 2, 5, 4), other));  // the columns beside
  CHECK(collide(a, part(0, 1, 5, 2), other));
  CHECK(!collide(a, part(0, 1, 5, 2), cut));

  CHECK(collide(a, part(1, 0, 5, 2), cut));  // shifted by a row
  CHECK(collide(a, part(4, 1, 4, 2), cut));
  CHECK(!collide(a, part(4, 2, 4, 2), cut));
  CHECK(!collide(a, part(5, 0, 3, 2), cut));  // the rows below

  CHECK(collide(a, {&memory(0, 0), {5, 2}, 4}, cut));     // another stride
  CHECK(collide(a, {&memory(0, 5), {4, 2}, 6}, cut));     // columns that continue in the next row
  CHECK(!collide(a, {&memory(4, 2), {5, 2}, 4}, cut));    // from the end of the last row on
  CHECK(collide(a, {&memory(4, 1), {5, 2}, 4}, cut));
}

}  // namespace HEED_TEST_UNIT
