// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/dropout.hpp"

#include "heed/kernels/reference/dropout.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

const TapeOptions training{.training = true, .random = Random(5)};

Sample dropout_sample(const char* label, const Shape& shape, double p) {
  return sample(
      label, {normal(shape)}, [p](auto&, auto x) { return dropout(x[0], p); },
      [p](std::span<const Tensor<double>> x) {
        Tensor<double> y(x[0].shape());
        // The first draw of a fresh tape.
        const Random random = training.random.fork(0).fork(0);
        kernels::reference::dropout(random, p, y.size(), x[0].data(), y.data());
        return y;
      },
      1e-5, training);
}

}  // namespace

const SamplesOf dropout_op("dropout", []() -> OpSamples {
  OpSamples out;
  out.good = {dropout_sample("half", {5, 13}, 0.5),
              dropout_sample("little", {2, 3, 17}, 0.1),
              dropout_sample("much", {64}, 0.9),
              dropout_sample("nothing", {3, 5}, 0.0),
              dropout_sample("of a scalar", {}, .3),
              dropout_sample("of no rows", {0, 4}, 0.5),
              dropout_sample("of several chunks", {3, 12000}, 0.5)};
  Sample serving = dropout_sample("while not training", {3, 5}, 0.5);
  serving.options = {};
  serving.reference = [](std::span<const Tensor<double>> x) { return x[0]; };
  out.good.push_back(serving);
  out.bad = {
      bad_call(
          "everything", {{3}}, [](auto x) { dropout(x[0], 1.0); }, "dropout: probability 1.000000 is not in [0, 1)"),
      bad_call(
          "negative", {{3}}, [](auto x) { dropout(x[0], -0.1); }, "dropout: probability -0.1"),
      bad_call(
          "NaN", {{3}}, [](auto x) { dropout(x[0], std::nan("")); }, "dropout: probability nan")};
  return out;
});

}  // namespace heed::test

using namespace heed;

TEST_CASE("each dropout of a step and each step has a different mask, the same in every run") {
  const auto masks = [] {
    Tape<float> tape({.training = true, .random = Random(3)});
    std::vector<Tensor<float>> out;
    for (int step = 0; step < 2; ++step) {
      tape.clear();
      const auto x = tape.constant(Tensor<float>::ones({64}));
      out.emplace_back(dropout(x, 0.5).value());
      out.emplace_back(dropout(x, 0.5).value());
    }
    return out;
  };
  const auto first = masks(), second = masks();
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK((first[i].array() == second[i].array()).all());
    for (std::size_t j = 0; j < i; ++j) CHECK(!(first[i].array() == first[j].array()).all());
  }
}

TEST_CASE("dropout that does nothing returns its input") {
  Tape<float> serving, training({.training = true});
  const auto x = serving.constant(Tensor<float>::ones({4}));
  CHECK(dropout(x, 0.5).value().data() == x.value().data());
  const auto y = training.constant(Tensor<float>::ones({4}));
  CHECK(dropout(y, 0.0).value().data() == y.value().data());
  CHECK(training.size() == 1);
}
