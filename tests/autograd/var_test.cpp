// SPDX-License-Identifier: Apache-2.0
#include "heed/autograd/var.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

#include "heed/autograd/tape.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

/// Checks that every use of x throws an error with this text.
void check_refused(const Var<double>& x, const std::string& text) {
  CHECK_THROWS_WITH(x.tape(), text);
  CHECK_THROWS_WITH(x.value(), text);
  CHECK_THROWS_WITH(x.shape(), text);
  CHECK_THROWS_WITH(x.rows(), text);
  CHECK_THROWS_WITH(x.cols(), text);
  CHECK_THROWS_WITH(x.requires_grad(), text);
  CHECK_THROWS_WITH(x.gradient(), text);
  CHECK_THROWS_WITH(x.item(), text);
  CHECK_THROWS_WITH(backward(x), text);
}

}  // namespace

TEST_CASE("a handle is small and trivially copyable, and equal to its copies") {
  static_assert(std::is_trivially_copyable_v<Var<float>> && sizeof(Var<float>) <= 16);
  Tape<float> tape;
  const auto x = tape.constant(1.0f), y = tape.constant(1.0f), copy = x;
  CHECK(x == copy);
  CHECK(x != y);
  CHECK(Var<float>() == Var<float>());
  CHECK(x != Var<float>());
}

TEST_CASE("a handle gives access to its value") {
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>::arange(24).reshaped({2, 3, 4}));
  CHECK(x);
  CHECK(&x.tape() == &tape);
  CHECK(x.shape() == Shape{2, 3, 4});
  CHECK((x.rows() == 6 && x.cols() == 4));
  CHECK(x.value()(5, 3) == 23);
  CHECK(!x.requires_grad());
  CHECK(!x.gradient());
  CHECK(tape.constant(2.5).item() == 2.5);
  CHECK_THROWS_WITH(x.item(), "item: wanted one element, got shape [2, 3, 4]");
}

TEST_CASE("an empty handle is false, and using it throws an error that says so") {
  const Var<double> none;
  CHECK(!none);
  check_refused(none, "var: an empty handle");
}

TEST_CASE("every use of a stale handle throws, also when its index is in use again") {
  Tape<double> tape;
  const auto stale = tape.variable(Tensor<double>::of({1}));
  tape.clear();
  const auto fresh = tape.variable(Tensor<double>::of({2}));
  check_refused(stale, "tape: a stale value: its tape was cleared after it was made");
  CHECK_THROWS_AS(tape.backward(stale), StateError);
  CHECK_THROWS_AS(tape_of("add", fresh, stale), StateError);
  CHECK_THROWS_AS(tape.alias(stale, fresh.value()), StateError);
  CHECK(stale);  // not empty
  CHECK(stale != fresh);
  CHECK(fresh.item() == 2);
}

TEST_CASE("a shape stays valid when the tape grows") {
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>({2, 3}));
  const Shape& shape = x.shape();
  for (int i = 0; i < 1000; ++i) tape.constant(1.0f);
  CHECK(shape == Shape{2, 3});
}

}  // namespace HEED_TEST_UNIT
