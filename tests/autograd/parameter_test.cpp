// SPDX-License-Identifier: Apache-2.0
#include "heed/autograd/parameter.hpp"

#include <catch2/catch.hpp>
#include <type_traits>
#include <vector>

#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a parameter is zeros with a gradient of zeros") {
  const Parameter<float> p({2, 3});
  CHECK(p.shape() == Shape{2, 3});
  CHECK(p.size() == 6);
  CHECK(p.gradient().shape() == Shape{2, 3});
  CHECK((p.value().array() == 0).all());
  CHECK((p.gradient().array() == 0).all());
  CHECK(p.zero_row() == -1);
  CHECK(Parameter<float>().size() == 0);
}

TEST_CASE("moving a parameter moves neither its value nor its gradient") {
  static_assert(!std::is_copy_constructible_v<Parameter<float>> && !std::is_copy_assignable_v<Parameter<float>>);
  std::vector<Parameter<double>> list;
  list.emplace_back(Shape{3});
  const double* const value = list[0].value().data();
  const double* const gradient = list[0].gradient().data();
  const Tensor<double>* const tensor = &list[0].value();
  for (int i = 0; i < 20; ++i) list.emplace_back(Shape{1});
  CHECK(list[0].value().data() == value);
  CHECK(list[0].gradient().data() == gradient);
  CHECK(&list[0].value() == tensor);
  Parameter<double> other;
  other = std::move(list[0]);
  CHECK(other.value().data() == value);
  // Assignment keeps the tensor object, but not its memory.
  other.value() = Tensor<double>::of({1, 2, 3});
  CHECK(&other.value() == tensor);
}

TEST_CASE("the gradient of a const parameter is mutable, its value is not") {
  Parameter<float> p({2});
  const Parameter<float>& constant = p;
  static_assert(std::is_same_v<decltype(constant.value()), const Tensor<float>&>);
  constant.gradient()(1) = 3;
  CHECK(p.gradient()(1) == 3);
  constant.zero_gradient();
  CHECK((p.gradient().array() == 0).all());
}

TEST_CASE("restore_zero_row clears the row that stays zero and no other row") {
  Parameter<float> p({3, 2}, 1);
  CHECK(p.zero_row() == 1);
  p.value().array() = 5;
  p.gradient().array() = 6;
  p.restore_zero_row();
  CHECK((p.value().matrix().row(1).array() == 0).all());
  CHECK((p.gradient().matrix().row(1).array() == 0).all());
  CHECK((p.value()(0, 1) == 5 && p.value()(2, 0) == 5 && p.gradient()(0, 1) == 6 && p.gradient()(2, 0) == 6));
  Parameter<float> without({2, 2});
  without.value().array() = 5;
  without.restore_zero_row();
  CHECK((without.value().array() == 5).all());
}

TEST_CASE("writing to a parameter marks it as initialised, reading does not") {
  Parameter<float> p({2, 3}, 1);
  const Parameter<float>& constant = p;
  CHECK(constant.value()(0, 0) == 0);
  p.restore_zero_row();
  CHECK(!p.initialized());
  p.value() = Tensor<float>({2, 3});
  CHECK(p.initialized());
  const Parameter<float> moved(std::move(p));
  CHECK(moved.initialized());
  CHECK(Parameter<float>().initialized());
}

TEST_CASE("a parameter takes memory when its value or gradient is first used") {
  constexpr std::size_t bytes = 4'000'000;
  const std::size_t before = test::held_bytes();
  const auto held = [&] { return test::held_bytes() - before; };
  Parameter<float> p(Shape{static_cast<Index>(bytes / sizeof(float))});
  p.zero_gradient();
  CHECK(held() < bytes);
  CHECK_FALSE(p.initialized());
  p.value()(0) = 1;
  if (test::allocations_counted) CHECK(held() >= 2 * bytes);
  CHECK((p.gradient().array() == 0).all());
  CHECK_THROWS_AS(Parameter<float>({Index{1} << 40, Index{1} << 40}), ShapeError);
}

}  // namespace HEED_TEST_UNIT
