// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/gated_product.hpp"

#include "heed/kernels/reference/gated_product.hpp"
#include "heed/ops/slice.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

Tensor<double> reference(Activation kind, const Tensor<double>& gate, const Tensor<double>& value,
                         const Tensor<double>* residual) {
  Tensor<double> y(value.shape());
  for (Index i = 0; i < y.size(); ++i) {
    y.data()[i] = kernels::reference::gated_product(kind, gate.data()[i], value.data()[i],
                                                    residual != nullptr ? residual->data()[i] : 0);
  }
  return y;
}

Sample gated_sample(std::string label, Activation kind, const Shape& shape, bool residual) {
  std::vector<Tensor<double>> inputs{normal(shape, "gate"), normal(shape, "value")};
  if (residual) inputs.push_back(normal(shape, "residual"));
  return sample(
      std::move(label), std::move(inputs),
      [=](auto&, auto x) {
        using Scalar = std::remove_cvref_t<decltype(x[0].item())>;
        GatedProductOptions<Scalar> options{.activation = kind};
        if (residual) options.residual = x[2];
        return gated_product(x[0], x[1], options);
      },
      [=](std::span<const Tensor<double>> x) { return reference(kind, x[0], x[1], residual ? &x[2] : nullptr); });
}

}  // namespace

const SamplesOf gated_product_op("gated_product", []() -> OpSamples {
  OpSamples out;
  out.good = {gated_sample("sigmoid, residual", Activation::sigmoid, {3, 5}, true),
              gated_sample("sigmoid", Activation::sigmoid, {2, 3, 5}, false),
              gated_sample("silu", Activation::silu, {17}, false),
              gated_sample("silu, residual", Activation::silu, {3, 17}, true),
              gated_sample("identity, residual", Activation::identity, {3, 5}, true),
              gated_sample("tanh", Activation::tanh, {3, 5}, false),
              gated_sample("of a scalar", Activation::sigmoid, {}, true),
              gated_sample("of nothing", Activation::silu, {0, 5}, true),
              gated_sample("of no columns", Activation::silu, {5, 0}, true),
              gated_sample("of several chunks", Activation::silu, {300, 60}, true)};
  out.good.push_back(sample(
      "of itself, beside itself", {normal({3, 5})},
      [](auto&, auto x) { return gated_product(x[0], x[0], {.residual = x[0]}); },
      [](std::span<const Tensor<double>> x) { return reference(Activation::sigmoid, x[0], x[0], x.data()); }));
  // Overlapping rows of one array.
  out.good.push_back(sample(
      "of slices that share rows", {normal({700, 50})},
      [](auto&, auto x) {
        return gated_product(slice(x[0], 0, 0, 699), slice(x[0], 0, 1, 700), {.residual = slice(x[0], 0, 0, 699)});
      },
      [](std::span<const Tensor<double>> x) {
        const Tensor<double> first(x[0].view().rows(0, 699)), second(x[0].view().rows(1, 700));
        return reference(Activation::sigmoid, first, second, &first);
      }));
  const auto call = [](std::string label, std::vector<Shape> shapes, std::string expected) {
    return bad_call(
        std::move(label), std::move(shapes),
        [](auto x) {
          GatedProductOptions<float> options;
          if (x.size() > 2) options.residual = x[2];
          gated_product(x[0], x[1], options);
        },
        std::move(expected));
  };
  out.bad = {call("gate", {{2, 3}, {3, 2}}, "gated_product: gate [2, 3], value [3, 2]"),
             call("ranks", {{1, 3}, {3}}, "gated_product: gate [1, 3], value [3]"),
             call("residual", {{2, 3}, {2, 3}, {3}}, "gated_product: gate [2, 3], value [2, 3], residual [3]"),
             {"two tapes",
              [] {
                Tape<float> one, other;
                gated_product(one.constant(1.0F), other.constant(1.0F));
              },
              "gated_product: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test
