// SPDX-License-Identifier: Apache-2.0
// Compares arrays with a tolerance and reports the worst element. NaN never agrees.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "heed/core/tensor.hpp"

namespace heed::inline HEED_ABI::testing {

namespace detail {

/// Formats a number with all significant digits, for messages.
inline std::string digits(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.17g", x);
  return text;
}

}  // namespace detail

/// The result of `allclose`; converts to true when the arrays agree.
struct Closeness {
  Shape got_shape, expected_shape;
  Index position = -1;  ///< of the worst element, row-major
  double got = 0, expected = 0;
  double error = 0;  ///< |got - expected| / max|expected| of this element; infinite for NaN and different shapes
  double tolerance = 0;

  explicit operator bool() const { return error <= tolerance; }
  std::string message() const {
    if (got_shape != expected_shape) {
      return "wanted shape " + to_string(expected_shape) + ", got " + to_string(got_shape);
    }
    return "worst at element " + std::to_string(position) + " of " + to_string(got_shape) + ": wanted " +
           detail::digits(expected) + ", got " + detail::digits(got) + " (error " + detail::digits(error) +
           ", allowed " + detail::digits(tolerance) + ")";
  }
};

/// Checks max|got - expected| <= tolerance * max|expected| over the finite elements; the bound is absolute if all
/// expected elements are zero. It is relative to the largest element because a sum with cancellation has no relative
/// accuracy by itself. Infinities must be equal; NaN equals nothing, including NaN.
template <class A, class B>
Closeness allclose(TensorView<A> got, TensorView<B> expected, double tolerance) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Closeness out{got.shape(), expected.shape()};
  out.tolerance = tolerance;
  if (got.shape() != expected.shape()) {
    out.error = infinity;
    return out;
  }
  double scale = 0;
  for (Index i = 0; i < expected.rows(); ++i) {
    for (Index j = 0; j < expected.cols(); ++j) {
      const double e = std::abs(static_cast<double>(expected(i, j)));
      if (std::isfinite(e)) scale = std::max(scale, e);
    }
  }
  for (Index i = 0; i < expected.rows(); ++i) {
    for (Index j = 0; j < expected.cols(); ++j) {
      const auto a = static_cast<double>(got(i, j)), b = static_cast<double>(expected(i, j));
      double error = a == b ? 0.0 : std::abs(a - b) / (scale > 0 ? scale : 1.0);
      if (!std::isfinite(error)) error = infinity;
      if (out.position >= 0 && error <= out.error) continue;
      out.position = i * expected.cols() + j;
      out.got = a;
      out.expected = b;
      out.error = error;
    }
  }
  return out;
}
template <class A, class B>
Closeness allclose(MatrixView<A> got, TensorView<B> expected, double tolerance) {
  return allclose(TensorView<A>(got), expected, tolerance);
}
template <class A, class B>
Closeness allclose(const Tensor<A>& got, const Tensor<B>& expected, double tolerance) {
  return allclose(got.view(), expected.view(), tolerance);
}

}  // namespace heed::inline HEED_ABI::testing
