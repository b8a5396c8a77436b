// SPDX-License-Identifier: Apache-2.0
#include "heed/core/view.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a view folds leading dimensions into rows") {
  std::vector<int> data(24);
  std::iota(data.begin(), data.end(), 0);
  const TensorView<int> view(data.data(), {2, 3, 4});
  CHECK((view.size() == 24 && view.rows() == 6 && view.cols() == 4 && view.row_stride() == 4));
  CHECK(view.contiguous());
  CHECK(view(4, 1) == 17);
  CHECK(view[17] == 17);
  CHECK(view.row(4) == data.data() + 16);
  CHECK(view.matrix().shape() == Shape{6, 4});
  CHECK(view.matrix().data() == data.data());
  view(4, 1) = -1;
  CHECK(data[17] == -1);
  const TensorView<const int> constant = view;
  CHECK((constant.data() == data.data() && constant.shape() == view.shape()));
  static_assert(!std::is_convertible_v<TensorView<const int>, TensorView<int>>);
  static_assert(std::is_trivially_copyable_v<TensorView<int>>);
}

TEST_CASE("blocks of a view keep its row stride") {
  std::vector<int> data(30);
  std::iota(data.begin(), data.end(), 0);
  const TensorView<int> view(data.data(), {5, 6});
  const auto block = view.rows(1, 4).columns(2, 5);  // rows 1 .. 3, columns 2 .. 4
  CHECK(block.shape() == Shape{3, 3});
  CHECK(block.row_stride() == 6);
  CHECK(!block.contiguous());
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 3; ++j) CHECK(block(i, j) == (i + 1) * 6 + j + 2);
  }
  CHECK(block.rows(2, 3).contiguous());  // a single row always is
  CHECK(block.columns(1, 1).size() == 0);
  CHECK(block.rows(3, 3).size() == 0);
  // Columns of three dimensions are those of the folded rows.
  const auto columns = TensorView<int>(data.data(), {2, 3, 5}).columns(1, 3);
  CHECK(columns.shape() == Shape{6, 2});
  CHECK(columns(3, 1) == 17);
}

TEST_CASE("parts of a view without data have none") {
  // As constants, so that the compiler refuses an offset to a null pointer.
  constexpr MatrixView<int> columns = MatrixView<int>(nullptr, {0, 6}).columns(2, 5);
  constexpr MatrixView<int> rows = MatrixView<int>(nullptr, {4, 0}, 3).rows(1, 3);
  static_assert(!columns && columns.rows() == 0 && columns.cols() == 3);
  static_assert(!rows && rows.rows() == 2 && rows.cols() == 0);
  CHECK(!TensorView<int>(nullptr, {0, 6}).columns(2, 5));
  CHECK(!TensorView<int>().rows(0, 0));
}

#ifndef NDEBUG
TEST_CASE("a flat index into a view with gaps between its rows is refused with assertions on") {
  std::vector<int> data(6);
  std::iota(data.begin(), data.end(), 1);
  const TensorView<int> view(data.data(), {2, 3});
  const MatrixView<int> block = view.columns(0, 2);
  const std::string text =
      "operator[]: wanted a contiguous view, got rows of 2 elements that lie 3 elements apart: use view(row, column)";
  CHECK_THROWS_WITH(block[0], text);
  CHECK_THROWS_WITH(TensorView<int>(block)[2], text);
  CHECK(view[5] == 6);
  CHECK(block.rows(1, 2)[1] == 5);  // one row has no gaps
  static constexpr int one[] = {7};
  static_assert(MatrixView<const int>(one, {1, 1}, 5)[0] == 7);
}
#endif

TEST_CASE("a default-constructed view is false, a view of no elements is true") {
  int one = 0;
  CHECK(!TensorView<int>());
  CHECK(TensorView<int>().size() == 0);
  CHECK(TensorView<int>(&one, {0}));
  CHECK(TensorView<int>(&one, {}).size() == 1);
}

}  // namespace HEED_TEST_UNIT
