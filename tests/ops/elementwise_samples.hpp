// SPDX-License-Identifier: Apache-2.0
// Samples shared by elementwise operations with one operand.
#pragma once

#include "ops/samples.hpp"

namespace heed::test {

/// `call(x)` is the operation, `reference(x)` its definition for one element; `input_of(shape)` returns an input.
template <class F>
OpSamples elementwise_samples(F call, double (*reference)(double), Tensor<double> (*input_of)(const Shape&)) {
  const auto one = [&](const char* label, const Shape& shape) {
    return sample(
        label, {input_of(shape)}, [=](auto&, auto x) { return call(x[0]); },
        [=](std::span<const Tensor<double>> x) {
          Tensor<double> y(x[0].shape());
          for (Index i = 0; i < y.size(); ++i) y.data()[i] = reference(x[0].data()[i]);
          return y;
        });
  };
  return {{one("a matrix", {3, 5}), one("three dimensions", {2, 3, 4}), one("a scalar", {}), one("nothing", {0, 5}),
           one("several chunks", {3, 6000})},
          {{"an empty handle", [=] { call(Var<float>()); }, "var: an empty handle"}}};
}

}  // namespace heed::test
