// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/linear.hpp"

#include "heed/kernels/reference/activation.hpp"
#include "heed/kernels/reference/gemm.hpp"
#include "heed/testing/allclose.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

/// x [.., in], w [out, in] and, as an optional third input, b [out].
Tensor<double> reference(std::span<const Tensor<double>> x, Activation kind) {
  Tensor<double> transposed({x[1].cols(), x[1].rows()});
  kernels::transpose<double>(x[1].view(), transposed.view());
  Tensor<double> y(x[0].shape().with_cols(x[1].rows()));
  kernels::reference::gemm(x[0].view(), transposed.view(), x.size() > 2 ? x[2].data() : nullptr, y.view());
  for (Index i = 0; i < y.size(); ++i) y.data()[i] = kernels::reference::activation(kind, y.data()[i]);
  return y;
}

Sample linear_sample(const char* label, const Shape& x, Index out, bool bias, Activation kind = Activation::identity) {
  std::vector<Tensor<double>> inputs = {normal(x, "x"), normal({out, x.cols()}, "w", 0.5)};
  if (bias) inputs.push_back(normal({out}, "b"));
  return sample(
      label, std::move(inputs),
      [=](auto&, auto v) {
        return bias ? linear(v[0], v[1], v[2], kind) : linear(v[0], v[1], std::remove_cvref_t<decltype(v[0])>{}, kind);
      },
      [=](std::span<const Tensor<double>> v) { return reference(v, kind); });
}

}  // namespace

const SamplesOf linear_op("linear", []() -> OpSamples {
  OpSamples out;
  out.good = {linear_sample("with a bias", {5, 3}, 4, true),
              linear_sample("without", {5, 3}, 4, false),
              linear_sample("three dimensions", {2, 3, 4}, 5, true),
              linear_sample("one row", {4}, 17, true),
              linear_sample("one feature to one", {3, 1}, 1, true),
              linear_sample("no rows", {0, 3}, 4, true),
              linear_sample("no features", {3, 0}, 4, true),
              linear_sample("relu", {4, 3}, 5, true, Activation::relu),
              linear_sample("sigmoid", {4, 3}, 5, true, Activation::sigmoid),
              linear_sample("tanh", {4, 3}, 5, true, Activation::tanh),
              linear_sample("tanh, no bias", {4, 3}, 5, false, Activation::tanh),
              linear_sample("silu", {4, 3}, 5, true, Activation::silu),
              linear_sample("gelu", {4, 3}, 5, true, Activation::gelu),
              linear_sample("several chunks", {200, 33}, 40, true, Activation::tanh),
              linear_sample("slabs of several blocks", {1700, 1}, 3, true, Activation::tanh)};
  out.bad = {
      bad_call(
          "features", {{32, 50, 128}, {256, 64}}, [](auto x) { linear(x[0], x[1]); },
          "linear: input [32, 50, 128] does not end in 64 features (weight is [256, 64])"),
      bad_call(
          "a scalar", {{}, {2, 1}}, [](auto x) { linear(x[0], x[1]); }, "linear: input []"),
      bad_call(
          "weight of one dimension", {{3, 4}, {4}}, [](auto x) { linear(x[0], x[1]); }, "linear: input"),
      bad_call(
          "bias", {{3, 4}, {5, 4}, {4}}, [](auto x) { linear(x[0], x[1], x[2]); }, "linear: bias [4] for 5 outputs"),
      {"two tapes",
       [] {
         Tape<float> one, other;
         linear(one.constant(Tensor<float>({2, 3})), other.constant(Tensor<float>({4, 3})));
       },
       "linear: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test

TEST_CASE("a row of linear does not depend on its batch") {
  using namespace heed;
  const Tensor<float> x = Tensor<float>::normal({130, 37}, Random(1)), w = Tensor<float>::normal({21, 37}, Random(2));
  Tape<float> tape;
  const auto whole = linear(tape.constant(x), tape.constant(w)).value();
  for (const Index row : {0, 7, 95, 96, 129}) {
    const auto alone = linear(tape.constant(x.view().rows(row, row + 1)), tape.constant(w)).value();
    CHECK(std::equal(alone.data(), alone.data() + 21, whole.row(row)));
  }
}

TEST_CASE("the slabs of a weight's gradient are numerous and not too long") {
  using namespace heed;
  for (const Index rows : {0, 1, 95, 768, 769, 3200, 25'600, 1'000'000}) {
    for (const Index m : {0, 1, 64, 1000, 4096, 50'000}) {
      for (const Index n : {1, 64, 256, 4096}) {
        INFO(rows << " rows of " << m << " and " << n);
        const detail::LinearSlabs cut(rows, m, n);
        CHECK(cut.count == (rows + cut.size - 1) / cut.size);
        CHECK(cut.size % detail::row_grain == 0);
        if (!cut.with_weight) continue;
        CHECK(cut.count >= 8);
        CHECK(2 * cut.count * m * n <= rows * (m + n) + 2 * m * n);
        CHECK((cut.size < 4200 || cut.count * m * n * 3 > rows * (m + n)));
      }
    }
  }
}

TEST_CASE("an array that is both input and weight of linear gets both gradients") {
  using namespace heed;
  for (const Index rows : {8, 800}) {  // weight gradient in a separate product, and fused
    const auto v = Tensor<double>::normal({rows, 1}, Random(1));
    const auto gradients = [&](bool as_input, bool as_weight) {
      Tape<double> tape;
      const auto x = tape.variable(v), other = tape.constant(v);
      const auto y = linear(as_input ? x : other, as_weight ? x : other);
      const auto loss = tape.zeros({});
      backward(record(tape, {y}, loss, [=](const Gradients<double>& g) {
        const auto dy = g(y);
        for (Index i = 0; i < dy.size(); ++i) dy.data()[i] += static_cast<double>(i % 7);
      }));
      return Tensor<double>(x.gradient());
    };
    auto apart = gradients(true, false);
    apart.array() += gradients(false, true).array();
    CHECK(testing::allclose(gradients(true, true), apart, 1e-12));
  }
}

TEST_CASE("the gradient of a weight too large for slabs is a separate product") {
  using namespace heed;
  const Index rows = 1100, width = 128;
  REQUIRE(!detail::LinearSlabs(rows, width, width).with_weight);
  const auto x = Tensor<double>::normal({rows, width}, Random(1)),
             w = Tensor<double>::normal({width, width}, Random(2));
  for (const bool frozen : {false, true}) {
    Tape<double> tape;
    const auto vx = tape.variable(x), vw = frozen ? tape.constant(w) : tape.variable(w);
    const auto y = linear(vx, vw, {}, Activation::tanh);
    const auto loss = tape.zeros({});
    backward(record(tape, {y}, loss, [=](const Gradients<double>& g) {
      const auto dy = g(y);
      for (Index i = 0; i < dy.size(); ++i) dy.data()[i] += 1.0;
    }));
    Tensor<double> dz(y.value()), dx({rows, width}), dw({width, width});
    dz.array() = 1.0 - dz.array().square();
    dx.matrix() = dz.matrix() * w.matrix();
    dw.matrix() = dz.matrix().transpose() * x.matrix();
    CHECK(testing::allclose(Tensor<double>(vx.gradient()), dx, 1e-11));
    if (!frozen) CHECK(testing::allclose(Tensor<double>(vw.gradient()), dw, 1e-11));
  }
}
