// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/linear_dropout.hpp"

#include "heed/kernels/reference/activation.hpp"
#include "heed/kernels/reference/gemm.hpp"
#include "heed/ops/slice.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

struct Case {
  Shape x;
  Index out;
  bool bias = true, residual = false;
  Activation kind = Activation::identity;
  double dropout = 0;
};

const TapeOptions dropping{.training = true, .random = Random(9)};

/// The inputs are x, w, and b and the residual if given. The mask is that of dropout, from the same random stream.
Tensor<double> reference(const Case& c, std::span<const Tensor<double>> x) {
  Tensor<double> transposed({x[1].cols(), x[1].rows()});
  kernels::transpose<double>(x[1].view(), transposed.view());
  Tensor<double> y(x[0].shape().with_cols(c.out));
  kernels::reference::gemm(x[0].view(), transposed.view(), c.bias ? x[2].data() : nullptr, y.view());
  for (Index i = 0; i < y.size(); ++i) y.data()[i] = kernels::reference::activation(c.kind, y.data()[i]);
  if (c.dropout > 0) {
    Tape<double> tape(dropping);
    const Tensor<double> dropped(dropout(tape.constant(y), c.dropout).value());
    y = dropped;
  }
  if (c.residual) y.array() += x.back().array();
  return y;
}

Sample linear_dropout_sample(const char* label, const Case& c) {
  std::vector<Tensor<double>> inputs = {normal(c.x, "x"), normal({c.out, c.x.cols()}, "w", 0.5)};
  if (c.bias) inputs.push_back(normal({c.out}, "b"));
  if (c.residual) inputs.push_back(normal(c.x.with_cols(c.out), "r"));
  return sample(
      label, std::move(inputs),
      [=](auto&, auto v) {
        using V = std::remove_cvref_t<decltype(v[0])>;
        const auto scalar = [&]<class Scalar>(Var<Scalar>) {
          return linear_dropout<Scalar>(
              v[0], v[1], c.bias ? v[2] : V{},
              {.activation = c.kind, .dropout = c.dropout, .residual = c.residual ? v[v.size() - 1] : V{}});
        };
        return scalar(v[0]);
      },
      [=](std::span<const Tensor<double>> v) { return reference(c, v); }, 1e-5, dropping);
}

}  // namespace

const SamplesOf linear_dropout_op("linear_dropout", []() -> OpSamples {
  OpSamples out;
  out.good = {
      linear_dropout_sample("plain", {.x = {5, 3}, .out = 4}),
      linear_dropout_sample("dropout", {.x = {5, 3}, .out = 8, .dropout = 0.3}),
      linear_dropout_sample("dropout, no bias", {.x = {5, 3}, .out = 8, .bias = false, .dropout = 0.3}),
      linear_dropout_sample("residual", {.x = {5, 3}, .out = 4, .residual = true}),
      linear_dropout_sample("dropout and residual", {.x = {2, 3, 4}, .out = 12, .residual = true, .dropout = 0.5}),
      linear_dropout_sample("relu", {.x = {5, 3}, .out = 4, .kind = Activation::relu}),
      linear_dropout_sample("relu and dropout", {.x = {5, 3}, .out = 16, .kind = Activation::relu, .dropout = 0.2}),
      linear_dropout_sample("composed: relu and residual",
                            {.x = {5, 3}, .out = 8, .residual = true, .kind = Activation::relu, .dropout = 0.2}),
      linear_dropout_sample("composed: gelu", {.x = {5, 3}, .out = 8, .kind = Activation::gelu, .dropout = 0.2}),
      linear_dropout_sample("composed: width 5", {.x = {5, 3}, .out = 5, .residual = true, .dropout = 0.2}),
      linear_dropout_sample("several chunks", {.x = {200, 9}, .out = 36, .residual = true, .dropout = 0.4}),
      linear_dropout_sample("slabs of several blocks", {.x = {1700, 1}, .out = 4, .residual = true, .dropout = 0.4}),
      linear_dropout_sample("no rows", {.x = {0, 3}, .out = 4, .residual = true, .dropout = 0.4})};
  out.bad = {bad_call(
                 "features", {{5, 8}, {4, 6}}, [](auto x) { linear_dropout<float>(x[0], x[1], {}, {}); },
                 "linear_dropout: input [5, 8] does not end in 6 features"),
             bad_call(
                 "residual", {{5, 8}, {4, 8}, {5, 3}},
                 [](auto x) { linear_dropout<float>(x[0], x[1], {}, {.residual = x[2]}); },
                 "linear_dropout: residual [5, 3] for [5, 4]"),
             bad_call(
                 "dropout", {{5, 8}, {4, 8}}, [](auto x) { linear_dropout<float>(x[0], x[1], {}, {.dropout = 1}); },
                 "linear_dropout: dropout 1.000000 is not in [0, 1)")};
  return out;
});

}  // namespace heed::test

TEST_CASE("linear_dropout is composed and correct if the residual overlaps rows of its input") {
  using namespace heed;
  const Tensor<float> h = Tensor<float>::normal({200, 64}, Random(1)), w = Tensor<float>::normal({64, 64}, Random(2));
  const auto gradient = [&](bool fused) {
    Tape<float> tape;
    const Var<float> all = tape.variable(h), weight = tape.constant(w);
    const Var<float> x = slice(all, 0, 0, 192), before = slice(all, 0, 1, 193);
    const Var<float> y =
        fused ? linear_dropout<float>(x, weight, {}, {.residual = before}) : add(before, linear(x, weight));
    const auto loss = tape.zeros({});
    backward(record(tape, {y}, loss, [=](const Gradients<float>& g) {
      const auto dy = g(y);
      for (Index i = 0; i < dy.size(); ++i) dy.data()[i] += static_cast<float>(i % 7);
    }));
    return Tensor<float>(all.gradient());
  };
  const Tensor<float> a = gradient(true), b = gradient(false);
  CHECK(std::equal(a.data(), a.data() + a.size(), b.data()));
}
