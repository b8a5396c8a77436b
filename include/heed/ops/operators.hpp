// SPDX-License-Identifier: Apache-2.0
// The operators + - * / between Vars, and between a Var and a number.
#pragma once

#include "heed/ops/add.hpp"
#include "heed/ops/divide.hpp"
#include "heed/ops/multiply.hpp"
#include "heed/ops/scale.hpp"
#include "heed/ops/subtract.hpp"

namespace heed::inline HEED_ABI {

template <class Scalar>
Var<Scalar> operator+(Var<Scalar> a, Var<Scalar> b) {
  return add(a, b);
}
template <class Scalar>
Var<Scalar> operator-(Var<Scalar> a, Var<Scalar> b) {
  return subtract(a, b);
}
/// Elementwise; the matrix product is `matmul`.
template <class Scalar>
Var<Scalar> operator*(Var<Scalar> a, Var<Scalar> b) {
  return multiply(a, b);
}
template <class Scalar>
Var<Scalar> operator/(Var<Scalar> a, Var<Scalar> b) {
  return divide(a, b);
}
template <class Scalar>
Var<Scalar> operator-(Var<Scalar> a) {
  return scale(a, -1);
}

template <class Scalar>
Var<Scalar> operator+(Var<Scalar> a, double b) {
  return scale(a, 1, b);
}
template <class Scalar>
Var<Scalar> operator+(double a, Var<Scalar> b) {
  return scale(b, 1, a);
}
template <class Scalar>
Var<Scalar> operator-(Var<Scalar> a, double b) {
  return scale(a, 1, -b);
}
template <class Scalar>
Var<Scalar> operator-(double a, Var<Scalar> b) {
  return scale(b, -1, a);
}
template <class Scalar>
Var<Scalar> operator*(Var<Scalar> a, double b) {
  return scale(a, b);
}
template <class Scalar>
Var<Scalar> operator*(double a, Var<Scalar> b) {
  return scale(b, a);
}
template <class Scalar>
Var<Scalar> operator/(Var<Scalar> a, double b) {
  return scale(a, 1 / b);
}
template <class Scalar>
Var<Scalar> operator/(double a, Var<Scalar> b) {
  return divide(b.tape().constant(static_cast<Scalar>(a)), b);
}

}  // namespace heed::inline HEED_ABI
