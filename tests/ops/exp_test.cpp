// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/exp.hpp"

#include <cmath>

#include "ops/samples.hpp"

namespace heed::test {

template <>
OpSamples samples<op::exp>() {
  const auto one = [](const char* label, const Shape& shape) {
    return sample(
        label, {normal(shape)}, [](auto&, auto x) { return exp(x[0]); },
        [](std::span<const Tensor<double>> x) {
          Tensor<double> y(x[0].shape());
          for (Index i = 0; i < y.size(); ++i) y.data()[i] = std::exp(x[0].data()[i]);
          return y;
        });
  };
  OpSamples out;
  out.good = {one("a matrix", {3, 5}), one("three dimensions", {2, 3, 4}), one("a scalar", {}), one("nothing", {0, 5}),
              one("several chunks", {3, 6000})};
  out.bad = {{"an empty handle", [] { exp(Var<float>()); }, "var: an empty handle"}};
  return out;
}

}  // namespace heed::test
