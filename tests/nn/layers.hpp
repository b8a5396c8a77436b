// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of layers.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/nn/init.hpp"
#include "heed/nn/module.hpp"
#include "heed/ops/multiply.hpp"
#include "heed/ops/sum.hpp"
#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/module_gradcheck.hpp"

namespace heed::test {

template <nn::Module M>
std::vector<std::string> names(M& module) {
  std::vector<std::string> out;
  for (const auto& named : nn::parameters(module)) out.push_back(named.name);
  return out;
}

template <nn::Module M>
M initialized(M module) {
  nn::initialize(module, Random(1));
  return module;
}

/// Fills biases and norms with normal numbers: with their initial values 0 and 1, errors would not show.
template <nn::Module M>
M with_random_vectors(M module) {
  nn::initialize(module, Random(1));
  for (const auto& named : nn::parameters(module)) {
    if (named.parameter->shape().rank() == 1) nn::init_normal(*named.parameter, Random(2).fork(named.name), 1);
  }
  return module;
}

template <class Scalar>
Tensor<Scalar> normal(const Shape& shape, std::string_view name = "x") {
  return Tensor<Scalar>::normal(shape, Random(5).fork(name));
}

template <class T>
auto matrix_of(const T& x) {
  return x.matrix();
}
template <class Scalar>
MatrixView<Scalar> matrix_of(MatrixView<Scalar> x) {
  return x;
}

/// Returns whether shapes and numbers are equal, bit for bit except for the sign of zero; NaN equals nothing.
template <class A, class B>
bool same(const A& a, const B& b) {
  if (a.shape() != b.shape()) return false;
  const auto x = matrix_of(a);
  const auto y = matrix_of(b);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      if (!(x(i, j) == y(i, j))) return false;
    }
  }
  return true;
}

/// Returns the largest absolute value of a parameter.
template <class Scalar>
double largest(const Parameter<Scalar>& parameter) {
  return parameter.size() == 0 ? 0.0 : static_cast<double>(parameter.value().array().abs().maxCoeff());
}

/// Returns whether the values are in +-bound and fill most of this range, as after uniform initialisation.
template <class Scalar>
bool fills(const Parameter<Scalar>& parameter, double bound) {
  return largest(parameter) <= bound * 1.000001 && largest(parameter) > 0.8 * bound &&
         parameter.value().array().minCoeff() < -0.5 * bound && parameter.value().array().maxCoeff() > 0.5 * bound;
}

/// Checks that all parameters of a const module get gradients of the sum of squares of its output, and stay in place
/// when the module is moved. `call(const M&, Tape<Scalar>&)` returns the output, which does not depend on `without`.
template <nn::Module M, class Call>
void check_const_and_move(M module, const Call& call, std::string_view without = {}) {
  using Scalar = typename M::scalar_type;
  nn::initialize(module, Random(3));
  const auto before = nn::parameters(module);
  M moved(std::move(module));
  const auto after = nn::parameters(moved);
  REQUIRE(before.size() == after.size());
  std::vector<const Scalar*> data;
  for (const auto& named : after) data.push_back(named.parameter->value().data());
  M again(std::move(moved));
  const auto list = nn::parameters(again);
  Tape<Scalar> tape;
  const M& fixed = again;
  const Var<Scalar> y = call(fixed, tape);
  backward(sum(multiply(y, y)));
  for (std::size_t i = 0; i < list.size(); ++i) {
    INFO(list[i].name);
    CHECK(list[i].name == before[i].name);
    CHECK(list[i].parameter->value().data() == data[i]);
    CHECK((list[i].parameter->gradient().array().abs().maxCoeff() > 0) == (list[i].name != without));
  }
}

/// Names that the tests of layers use unqualified.
namespace layers {
using namespace heed;
using test::error_of;
using test::initialized;
using test::names;
using test::normal;
using test::same;
using test::with_random_vectors;
using Names = std::vector<std::string>;
}  // namespace layers

}  // namespace heed::test
