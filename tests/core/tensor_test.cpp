// SPDX-License-Identifier: Apache-2.0
#include "heed/core/tensor.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <numeric>
#include <sstream>

namespace HEED_TEST_UNIT {

using namespace heed;

template <class Scalar>
bool holds(const Tensor<Scalar>& tensor, std::initializer_list<std::type_identity_t<Scalar>> values) {
  return tensor.size() == static_cast<Index>(values.size()) && std::equal(values.begin(), values.end(), tensor.data());
}

TEST_CASE("a tensor owns aligned zeros of any rank") {
  const Tensor<float> tensor({2, 3, 4});
  CHECK(tensor.shape() == Shape{2, 3, 4});
  CHECK((tensor.size() == 24 && tensor.rows() == 6 && tensor.cols() == 4));
  CHECK(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64 == 0);
  CHECK(std::count(tensor.data(), tensor.data() + 24, 0.0f) == 24);
  CHECK(Tensor<float>().shape() == Shape{0});
  CHECK(Tensor<float>(Shape{}).size() == 1);
  CHECK(Tensor<float>({3, 0}).size() == 0);
}

TEST_CASE("the usual factories exist") {
  CHECK(holds(Tensor<double>::zeros({2}), {0, 0}));
  CHECK(holds(Tensor<double>::ones({2}), {1, 1}));
  CHECK(holds(Tensor<double>::full({3}, 2.5), {2.5, 2.5, 2.5}));
  CHECK(Tensor<double>::scalar(4).shape() == Shape{});
  CHECK(Tensor<double>::scalar(4).item() == 4);
  CHECK(holds(Tensor<int>::of({3, 1, 2}), {3, 1, 2}));
  const auto rows = Tensor<double>::of({{1, 2, 3}, {4, 5, 6}});
  CHECK(rows.shape() == Shape{2, 3});
  CHECK(holds(rows, {1, 2, 3, 4, 5, 6}));
  CHECK(Tensor<double>::of({{1, 2}}).shape() == Shape{1, 2});
  CHECK(holds(Tensor<float>::arange(4), {0, 1, 2, 3}));
  const auto uniform = Tensor<float>::uniform({1000}, Random(1), -2.0f, 3.0f);
  CHECK(std::all_of(uniform.data(), uniform.data() + 1000, [](float x) { return x >= -2.0f && x < 3.0f; }));
  CHECK(std::accumulate(uniform.data(), uniform.data() + 1000, 0.0) / 1000 == Approx(0.5).margin(0.2));
  const auto normal = Tensor<double>::normal({1000}, Random(1), 3.0);
  CHECK(std::sqrt(std::inner_product(normal.data(), normal.data() + 1000, normal.data(), 0.0) / 1000) ==
        Approx(3).margin(0.3));
  CHECK(normal.data()[17] == 3.0 * Random(1).normal(17));
}

TEST_CASE("copies are deep, moves are cheap") {
  auto one = Tensor<double>::of({1, 2, 3});
  Tensor<double> copy = one;
  copy(0) = 9;
  CHECK(holds(one, {1.0, 2.0, 3.0}));
  const double* const data = one.data();
  Tensor<double> moved = std::move(one);
  CHECK(moved.data() == data);
  CHECK(one.size() == 0);  // NOLINT: a moved-from tensor is an empty one
  one = copy;
  CHECK(holds(one, {9.0, 2.0, 3.0}));
  const Tensor<double>& itself = one;
  one = itself;
  CHECK(holds(one, {9.0, 2.0, 3.0}));
}

TEST_CASE("a tensor is indexed by one index per dimension") {
  auto cube = Tensor<int>::arange(24).reshaped({2, 3, 4});
  CHECK(cube(1, 2, 3) == 23);
  CHECK(cube(1, 0, 2) == 14);
  cube(0, 1, 1) = -5;
  CHECK(cube.data()[5] == -5);
  CHECK(std::as_const(cube)(0, 1, 1) == -5);
  CHECK(Tensor<int>::scalar(3)() == 3);
}

TEST_CASE("item and reshaped check sizes") {
  const auto tensor = Tensor<double>::arange(6);
  CHECK(tensor.reshaped({2, 3})(1, 0) == 3);
  CHECK_THROWS_WITH(tensor.reshaped({4}), "reshape: [6] does not have the size of [4]");
  CHECK_THROWS_WITH(tensor.item(), "item: wanted one element, got shape [6]");
  CHECK(Tensor<double>::full({1, 1}, 3).item() == 3);
}

TEST_CASE("Eigen maps refer to the tensor's memory") {
  auto cube = Tensor<float>::arange(24).reshaped({2, 3, 4});
  CHECK(cube.matrix().rows() == 6);
  CHECK(cube.matrix()(4, 1) == 17);
  cube.matrix().row(0).setConstant(7);
  cube.array() += 1;
  CHECK(cube(0, 0, 3) == 8);
  CHECK(cube.vector()(23) == 24);
  CHECK(std::as_const(cube).matrix().data() == cube.data());
  auto slice = eigen_matrix(cube.view().columns(1, 3));
  CHECK((slice.rows() == 6 && slice.cols() == 2 && slice(5, 1) == 23));
  slice.setZero();
  CHECK((cube(1, 2, 0) == 21 && cube(1, 2, 1) == 0 && cube(1, 2, 2) == 0 && cube(1, 2, 3) == 24));
  CHECK(eigen_matrix(std::as_const(cube).view())(5, 3) == 24);
}

TEST_CASE("a tensor is built from and assigned Eigen expressions") {
  Eigen::MatrixXd columns(2, 3);  // column-major
  columns << 1, 2, 3, 4, 5, 6;
  CHECK(holds(Tensor<double>(columns), {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}));
  const Tensor<double> transposed = columns.transpose();
  CHECK(transposed.shape() == Shape{3, 2});
  CHECK(holds(transposed, {1.0, 4.0, 2.0, 5.0, 3.0, 6.0}));
  // In long double, because GCC 12 warns inside its AVX-512 headers when Eigen multiplies registers.
  const auto wide = columns.cast<long double>();
  const Tensor<long double> product = wide * wide.transpose();
  CHECK(holds(product, {14.0L, 32.0L, 32.0L, 77.0L}));
  CHECK(Tensor<double>(columns.array().square() + 1.0).shape() == Shape{2, 3});
  CHECK(Tensor<double>(columns.col(1)).shape() == Shape{2});
  CHECK(Tensor<double>(columns.row(1)).shape() == Shape{3});
  CHECK(holds(Tensor<double>(columns.row(1)), {4.0, 5.0, 6.0}));
  CHECK(Tensor<double>(Eigen::MatrixXd(0, 3)).shape() == Shape{0, 3});

  Tensor<double> tensor = columns;
  tensor = tensor.matrix() * 2.0;  // reads itself
  CHECK(holds(tensor, {2.0, 4.0, 6.0, 8.0, 10.0, 12.0}));
  tensor = tensor.matrix().transpose();
  CHECK(tensor.shape() == Shape{3, 2});
  CHECK(holds(tensor, {2.0, 8.0, 4.0, 10.0, 6.0, 12.0}));
  tensor = Eigen::VectorXd::Constant(2, 5.0);
  CHECK(tensor.shape() == Shape{2});
}

TEST_CASE("a tensor copies a view of any row stride") {
  const auto whole = Tensor<int>::arange(12).reshaped({3, 4});
  const Tensor<int> part(whole.view().rows(1, 3).columns(1, 3));
  CHECK(part.shape() == Shape{2, 2});
  CHECK(holds(part, {5, 6, 9, 10}));
  CHECK(Tensor<int>(whole.view().columns(2, 2)).size() == 0);
}

TEST_CASE("a tensor prints its shape and at most eight rows and columns") {
  const auto text = [](const auto& x) {
    std::ostringstream out;
    out << x;
    return out.str();
  };
  CHECK(text(Tensor<int>::of({{1, 2}, {3, 4}})) == "[2, 2]\n  1 2\n  3 4");
  CHECK(text(Tensor<int>({0, 3})) == "[0, 3]");
  const std::string large = text(Tensor<int>({9, 9}));
  CHECK(std::count(large.begin(), large.end(), '\n') == 9);
  CHECK(large.find("0 0 0 0 0 0 0 0 ..") != std::string::npos);
  CHECK(large.ends_with("\n  .."));
}

}  // namespace HEED_TEST_UNIT
