// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/scale.hpp"

#include "ops/samples.hpp"

namespace heed::test {

const SamplesOf scale_op("scale", []() -> OpSamples {
  const auto one = [](const char* label, const Shape& shape, double factor, double offset) {
    return sample(
        label, {normal(shape)}, [=](auto&, auto x) { return scale(x[0], factor, offset); },
        [=](std::span<const Tensor<double>> x) {
          Tensor<double> y(x[0].shape());
          for (Index i = 0; i < y.size(); ++i) y.data()[i] = factor * x[0].data()[i] + offset;
          return y;
        });
  };
  OpSamples out;
  out.good = {one("factor and offset", {3, 5}, -1.5, 0.25),
              sample(
                  "factor alone", {normal({2, 3, 4})}, [](auto&, auto x) { return scale(x[0], 3); },
                  [](std::span<const Tensor<double>> x) {
                    Tensor<double> y(x[0].shape());
                    y.array() = 3 * x[0].array();
                    return y;
                  }),
              one("offset alone", {17}, 1, -2),
              one("a scalar", {}, 2, 1),
              one("nothing", {0, 5}, 2, 1),
              one("several chunks", {3, 6000}, 2, 1)};
  out.bad = {{"an empty handle", [] { scale(Var<float>(), 2); }, "var: an empty handle"}};
  return out;
});

}  // namespace heed::test
