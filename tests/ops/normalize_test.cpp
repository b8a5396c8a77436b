// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/normalize.hpp"

#include "heed/kernels/reference/normalize.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

Sample normalize_sample(const char* label, const Shape& shape, double epsilon) {
  return sample(
      label, {normal(shape, "x", 2)}, [epsilon](auto&, auto x) { return normalize(x[0], epsilon); },
      [epsilon](std::span<const Tensor<double>> x) {
        Tensor<double> y(x[0].shape());
        kernels::reference::normalize(x[0].view(), epsilon, y.view());
        return y;
      });
}

}  // namespace

const SamplesOf normalize_op("normalize", []() -> OpSamples {
  OpSamples out;
  out.good = {normalize_sample("of rows", {5, 19}, 1e-12),     normalize_sample("of a cube", {2, 3, 16}, 1e-12),
              normalize_sample("of one row", {7}, 1e-12),      normalize_sample("of two features", {4, 2}, 1e-12),
              normalize_sample("of no rows", {0, 5}, 1e-12),   normalize_sample("of no features", {3, 0}, 1e-12),
              normalize_sample("of short rows", {3, 6}, 50.0), normalize_sample("of several chunks", {250, 5}, 1e-12)};
  out.bad = {
      bad_call(
          "a scalar", {{}}, [](auto x) { normalize(x[0]); }, "normalize: a scalar has no rows"),
      bad_call(
          "no epsilon", {{2, 4}}, [](auto x) { normalize(x[0], 0.0); }, "normalize: epsilon 0.000000 is not positive")};
  return out;
});

}  // namespace heed::test
