// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/layer_norm.hpp"

#include "heed/kernels/reference/layer_norm.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

Sample layer_norm_sample(const char* label, const Shape& shape, double epsilon) {
  return sample(
      label, {normal(shape, "x", 2), normal({shape.cols()}, "weight"), normal({shape.cols()}, "bias")},
      [epsilon](auto&, auto x) { return layer_norm(x[0], x[1], x[2], epsilon); },
      [epsilon](std::span<const Tensor<double>> x) {
        Tensor<double> y(x[0].shape());
        kernels::reference::layer_norm(x[0].view(), x[1].data(), x[2].data(), epsilon, y.view());
        return y;
      });
}

}  // namespace

const SamplesOf layer_norm_op("layer_norm", []() -> OpSamples {
  OpSamples out;
  out.good = {layer_norm_sample("of rows", {5, 19}, 1e-5),
              layer_norm_sample("of a cube", {2, 3, 16}, 1e-5),
              layer_norm_sample("of one row", {7}, 1e-5),
              layer_norm_sample("of two features", {4, 2}, 1e-1),
              layer_norm_sample("of no rows", {0, 5}, 1e-5),
              layer_norm_sample("with a large epsilon", {3, 6}, 2.0),
              layer_norm_sample("of several chunks", {250, 5}, 1e-5)};
  out.bad = {
      bad_call(
          "weight of another size", {{2, 4}, {3}, {4}}, [](auto x) { layer_norm(x[0], x[1], x[2]); },
          "layer_norm: input [2, 4] does not end in the features of weight [3] and bias [4]"),
      bad_call(
          "bias of another rank", {{2, 4}, {4}, {1, 4}}, [](auto x) { layer_norm(x[0], x[1], x[2]); }, "bias [1, 4]"),
      bad_call(
          "negative epsilon", {{2, 4}, {4}, {4}}, [](auto x) { layer_norm(x[0], x[1], x[2], -1.0); },
          "layer_norm: epsilon -1.0"),
      {"two tapes",
       [] {
         Tape<float> a, b;
         const auto w = b.constant(Tensor<float>({4}));
         layer_norm(a.constant(Tensor<float>({2, 4})), w, w);
       },
       "layer_norm: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test
