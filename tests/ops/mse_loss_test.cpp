// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/mse_loss.hpp"

#include "heed/kernels/reference/mse_loss.hpp"
#include "ops/parity.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

Sample mse_loss_sample(const char* label, const Shape& shape, Reduction reduction) {
  return sample(
      label, {normal(shape, "prediction", 2), normal(shape, "target")},
      [reduction](auto&, auto x) { return mse_loss(x[0], x[1], reduction); },
      [reduction](std::span<const Tensor<double>> x) {
        Tensor<double> each(x[0].shape());
        kernels::reference::mse_loss(each.size(), x[0].data(), x[1].data(), each.data());
        if (reduction == Reduction::none) return each;
        double sum = 0;
        for (Index i = 0; i < each.size(); ++i) sum += each.data()[i];
        const bool mean = reduction == Reduction::mean && each.size() > 0;
        return Tensor<double>::scalar(mean ? sum / static_cast<double>(each.size()) : sum);
      });
}

}  // namespace

template <>
OpSamples samples<op::mse_loss>() {
  OpSamples out;
  out.good = {mse_loss_sample("mean", {4, 3}, Reduction::mean),
              mse_loss_sample("sum", {17}, Reduction::sum),
              mse_loss_sample("of each element", {2, 3, 5}, Reduction::none),
              mse_loss_sample("of scalars", {}, Reduction::mean),
              mse_loss_sample("mean of nothing", {0, 3}, Reduction::mean),
              mse_loss_sample("nothing from nothing", {0, 3}, Reduction::none),
              mse_loss_sample("mean of several blocks", {3, 3000}, Reduction::mean),
              mse_loss_sample("each of several chunks", {3, 7000}, Reduction::none)};
  const auto call = [](auto x) { mse_loss(x[0], x[1]); };
  out.bad = {
      bad_call("a column and a row", {{4, 1}, {4}}, call, "mse_loss: prediction [4, 1] and target [4] differ in shape"),
      bad_call("a number for many", {{4}, Shape{}}, call, "mse_loss: prediction [4] and target [] differ in shape"),
      {"two tapes",
       [] {
         Tape<float> a, b;
         mse_loss(a.constant(1.0f), b.constant(1.0f));
       },
       "mse_loss: inputs on different tapes"}};
  return out;
}

}  // namespace heed::test

TEST_CASE("mse_loss agrees with PyTorch") {
  using namespace heed;
  for (const char* reduction : {"mean", "sum"}) {
    const parity::Fixture fixture(std::string("mse_") + reduction);
    INFO(reduction);
    Tape<double> tape;
    const auto x = tape.variable(test::tensor_of(fixture, "in.prediction"));
    const auto t = tape.constant(test::tensor_of(fixture, "in.targets"));
    const auto loss = mse_loss(x, t, *reduction == 'm' ? Reduction::mean : Reduction::sum);
    CHECK(test::agrees(loss.value(), fixture, "out.loss"));
    test::backward_from(loss, test::tensor_of(fixture, "cot.loss"));
    CHECK(test::agrees(x.gradient(), fixture, "grad.in.prediction"));
  }
}
