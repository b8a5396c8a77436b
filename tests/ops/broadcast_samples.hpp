// SPDX-License-Identifier: Apache-2.0
// Samples shared by add, subtract, multiply and divide.
#pragma once

#include <cmath>

#include "heed/kernels/reference/broadcast.hpp"
#include "heed/ops/detail/broadcast.hpp"
#include "ops/samples.hpp"

namespace heed::test {

/// `call` is the operation, [](auto a, auto b).
template <class F>
OpSamples broadcast_samples(const std::string& name, kernels::Arithmetic kind, F call) {
  const auto one = [&](const char* label, const Shape& a, const Shape& b) {
    Tensor<double> right = normal(b, "b");
    // Away from zero, for divide.
    for (Index i = 0; i < right.size(); ++i) right.data()[i] += std::copysign(0.5, right.data()[i]);
    return sample(
        label, {normal(a, "a"), right}, [call](auto&, auto x) { return call(x[0], x[1]); },
        [kind](std::span<const Tensor<double>> x) {
          Tensor<double> y(detail::broadcast_shape("reference", x[0].shape(), x[1].shape()));
          kernels::reference::broadcast(kind, x[0].view(), x[1].view(), y.view());
          return y;
        });
  };
  OpSamples out;
  out.good = {one("equal shapes", {3, 5}, {3, 5}),
              one("scalars", {}, {}),
              one("a scalar on the right", {3, 5}, {}),
              one("a scalar on the left", {}, {2, 3, 5}),
              one("one element of one dimension", {3, 5}, {1}),
              one("a row", {4, 17}, {17}),
              one("a row on the left", {17}, {4, 17}),
              one("a row of two dimensions", {2, 3, 5}, {1, 5}),
              one("a column", {4, 5}, {4, 1}),
              one("a column against a row", {4, 1}, {1, 5}),
              one("in the middle", {2, 3, 4}, {2, 1, 4}),
              one("in the middle, on both sides", {2, 1, 3, 1}, {4, 1, 5}),
              one("six dimensions", {2, 1, 2, 1, 2, 3}, {1, 3, 2, 2, 1, 3}),
              one("nothing", {0, 3}, {3}),
              one("nothing against one", {2, 0}, {2, 1}),
              one("several chunks", {130, 140}, {130, 140}),
              one("a long column of rows", {700, 26}, {26}),
              one("a long sum", {18000}, {1})};
  out.bad = {bad_call(
                 "sizes", {{2, 3}, {4}}, [call](auto x) { call(x[0], x[1]); },
                 name + ": shapes [2, 3] and [4] cannot be broadcast together"),
             bad_call(
                 "rows", {{2, 3}, {3, 3}}, [call](auto x) { call(x[0], x[1]); }, name + ": shapes [2, 3] and"),
             {"two tapes",
              [call] {
                Tape<float> first, other;
                call(first.constant(1.0f), other.constant(1.0f));
              },
              name + ": inputs on different tapes"}};
  return out;
}

}  // namespace heed::test
