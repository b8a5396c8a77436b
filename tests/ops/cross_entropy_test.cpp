// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/cross_entropy.hpp"

#include "heed/kernels/reference/cross_entropy.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

Sample cross_entropy_sample(const char* label, const Shape& shape, std::vector<Index> targets,
                            const CrossEntropyOptions& options) {
  return sample(
      label, {normal(shape, "logits", 2)},
      [=](auto&, auto x) { return cross_entropy(x[0], std::span<const Index>(targets), options); },
      [=](std::span<const Tensor<double>> x) {
        const Index rows = x[0].rows();
        Tensor<double> each({rows});
        kernels::reference::cross_entropy(x[0].view(), targets.data(), options.ignore_index, options.label_smoothing,
                                          each.data());
        if (options.reduction == Reduction::none) return each;
        double sum = 0, count = 0;
        for (Index i = 0; i < rows; ++i) {
          sum += each.data()[i];
          if (targets[static_cast<std::size_t>(i)] != options.ignore_index) ++count;
        }
        return Tensor<double>::scalar(options.reduction == Reduction::mean && count > 0 ? sum / count : sum);
      });
}

/// Returns a call with the given targets.
auto with(std::vector<Index> targets, CrossEntropyOptions options = {}) {
  return [=](auto x) { cross_entropy(x[0], std::span<const Index>(targets), options); };
}

}  // namespace

const SamplesOf cross_entropy_op("cross_entropy", []() -> OpSamples {
  constexpr Reduction sum = Reduction::sum, none = Reduction::none;
  std::vector<Index> many;
  for (Index i = 0; i < 250; ++i) many.push_back(i % 7 == 0 ? -100 : i % 5);
  OpSamples out;
  out.good = {
      cross_entropy_sample("mean", {4, 13}, {3, 12, 0, 3}, {}),
      cross_entropy_sample("sum", {4, 13}, {3, 12, 0, 3}, {.reduction = sum}),
      cross_entropy_sample("of each row", {2, 2, 17}, {3, 12, 0, 3}, {.reduction = none}),
      cross_entropy_sample("some ignored", {5, 16}, {3, -100, 0, -100, 15}, {}),
      cross_entropy_sample("some ignored, smooth", {5, 16}, {3, 2, 0, 2, 15},
                           {.ignore_index = 2, .label_smoothing = .1}),
      cross_entropy_sample("smooth, of each row", {3, 5}, {3, -100, 0}, {.label_smoothing = .3, .reduction = none}),
      cross_entropy_sample("nothing but smooth", {3, 5}, {3, 1, 0}, {.label_smoothing = 1}),
      cross_entropy_sample("all ignored", {2, 5}, {-100, -100}, {}),
      cross_entropy_sample("no rows", {0, 5}, {}, {}),
      cross_entropy_sample("one class", {2, 1}, {0, 0}, {}),
      cross_entropy_sample("one vector", {6}, {5}, {}),
      cross_entropy_sample("several chunks", {250, 5}, many, {.label_smoothing = .1})};
  out.bad = {
      bad_call("too few targets", {{3, 4}}, with({1, 2}),
               "cross_entropy: logits [3, 4] are not [rows, classes] for 2 targets"),
      bad_call("a scalar", {Shape{}}, with({0}), "cross_entropy: logits [] are not [rows, classes]"),
      bad_call("target too large", {{2, 4}}, with({1, 4}), "cross_entropy: target 4 of row 1 is not one of 4 classes"),
      bad_call("target negative", {{2, 4}}, with({-1, 3}), "cross_entropy: target -1 of row 0"),
      bad_call("smoothing above 1", {{1, 4}}, with({1}, {.label_smoothing = 1.5}),
               "cross_entropy: label_smoothing 1.5"),
      bad_call("smoothing NaN", {{1, 4}}, with({1}, {.label_smoothing = std::nan("")}), "label_smoothing nan")};
  return out;
});

}  // namespace heed::test

using namespace heed;

TEST_CASE("cross_entropy is 0, and so are its gradients, when every row is ignored") {
  Tape<float> tape;
  const auto x = tape.variable(Tensor<float>::ones({2, 3}));
  const Index targets[] = {7, 7};
  const auto loss = cross_entropy(x, std::span<const Index>(targets), {.ignore_index = 7});
  CHECK(loss.item() == 0.0f);
  backward(loss);
  for (Index i = 0; i < 6; ++i) CHECK(x.gradient()[i] == 0.0f);
}

TEST_CASE("a row of cross_entropy does not depend on the other rows") {
  const Tensor<float> logits = Tensor<float>::normal({9, 37}, Random(1), 3.0f);
  const std::vector<Index> targets = {1, 5, 36, 0, 2, 9, 9, 20, 11};
  Tape<float> tape;
  const auto all =
      cross_entropy(tape.constant(logits), std::span<const Index>(targets), {.reduction = Reduction::none});
  for (Index i = 0; i < 9; ++i) {
    const auto row = tape.constant(logits.view().rows(i, i + 1));
    const auto one = cross_entropy(row, std::span(targets).subspan(static_cast<std::size_t>(i), 1));
    CHECK(one.item() == all.value()[i]);
  }
}
