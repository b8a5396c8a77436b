// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/linear_cross_entropy.hpp"

#include <limits>

#include "heed/kernels/reference/linear_cross_entropy.hpp"
#include "heed/ops/cross_entropy.hpp"
#include "heed/ops/linear.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

Sample catalogue_sample(const char* label, const Shape& shape, Index items, bool biased, std::vector<Index> targets,
                        const LinearCrossEntropyOptions& options = {}, double rise = 0) {
  std::vector<Tensor<double>> inputs = {normal(shape, "x"), normal({items, shape.cols()}, "weight")};
  if (biased) inputs.push_back(normal({items}, "bias"));
  for (Index c = 0; biased && c < items; ++c) inputs.back().data()[c] += rise * static_cast<double>(c);
  return sample(
      label, inputs,
      [=](auto&, auto x) {
        return linear_cross_entropy(x[0], x[1], biased ? x[2] : std::remove_cvref_t<decltype(x[0])>{},
                                    std::span<const Index>(targets), options);
      },
      [=](std::span<const Tensor<double>> x) {
        Tensor<double> each({x[0].rows()});
        kernels::reference::linear_cross_entropy(x[0].view().matrix(), x[1].view(), biased ? x[2].data() : nullptr,
                                                 options.scale, targets.data(), options.ignore_index, each.data());
        double count = 0;
        for (const Index target : targets) count += target != options.ignore_index ? 1 : 0;
        const double sum = each.array().sum();
        return Tensor<double>::scalar(options.reduction == Reduction::mean && count > 0 ? sum / count : sum);
      });
}

/// Returns a call with the given targets.
auto with_targets(std::vector<Index> targets, LinearCrossEntropyOptions options = {}) {
  return [=](auto x) {
    linear_cross_entropy(x[0], x[1], x.size() > 2 ? x[2] : Var<float>{}, std::span<const Index>(targets), options);
  };
}

}  // namespace

const SamplesOf linear_cross_entropy_op("linear_cross_entropy", []() -> OpSamples {
  std::vector<Index> many;  // more than two tiles, some ignored
  for (Index i = 0; i < 150; ++i) many.push_back(i % 7 == 0 ? -100 : (i * 41) % 300);
  OpSamples out;
  out.good = {catalogue_sample("mean", {4, 3}, 13, false, {3, 12, 0, 3}),
              catalogue_sample("sum, with bias", {4, 3}, 13, true, {3, 12, 0, 3}, {.reduction = Reduction::sum}),
              catalogue_sample("of planes, scaled", {2, 2, 3}, 17, true, {3, 12, 0, 3}, {.scale = 2.5}),
              catalogue_sample("some ignored", {5, 4}, 16, true, {3, 2, 0, 2, 15}, {.ignore_index = 2}),
              catalogue_sample("all ignored", {2, 4}, 5, true, {-100, -100}),
              catalogue_sample("no rows", {0, 4}, 5, false, {}),
              catalogue_sample("no items, no rows", {0, 4}, 0, false, {}),
              catalogue_sample("no items, all ignored", {2, 4}, 0, true, {-100, -100}),
              catalogue_sample("one item", {1, 4}, 1, true, {0}),
              catalogue_sample("one vector", {6}, 9, false, {5}),
              catalogue_sample("one feature", {3, 1}, 9, true, {5, 0, 8}),
              catalogue_sample("several tiles and blocks", {150, 5}, 300, true, many, {.scale = .5}),
              catalogue_sample("parts of several blocks, whose greatest logit rises", {70, 3}, 1700, true,
                               std::vector<Index>(many.begin(), many.begin() + 70), {}, 0.01)};
  const char* const fit = "do not fit [rows, d], [items, d], [items] and rows";
  out.bad = {bad_call("too few targets", {{3, 4}, {5, 4}}, with_targets({1, 2}),
                      "linear_cross_entropy: input [3, 4], weight [5, 4], bias none and 2 targets"),
             bad_call("widths differ", {{2, 4}, {5, 3}}, with_targets({1, 2}), fit),
             bad_call("a weight of rank 1", {{2, 4}, {4}}, with_targets({1, 2}), fit),
             bad_call("a bias of another size", {{2, 4}, {5, 4}, {4}}, with_targets({1, 2}), "bias [4] and 2 targets"),
             bad_call("a scalar", {Shape{}, {5, 1}}, with_targets({1}), fit),
             bad_call("target too large", {{2, 4}, {5, 4}}, with_targets({1, 5}),
                      "linear_cross_entropy: target 5 of row 1 is not one of 5 items"),
             bad_call("target negative", {{2, 4}, {5, 4}}, with_targets({-1, 3}), "target -1 of row 0"),
             bad_call("not reduced", {{1, 4}, {5, 4}}, with_targets({1}, {.reduction = Reduction::none}),
                      "linear_cross_entropy: reduction must be mean or sum")};
  return out;
});

}  // namespace heed::test

using namespace heed;

TEST_CASE("linear_cross_entropy equals cross_entropy of linear") {
  const auto x = Tensor<double>::normal({70, 6}, Random(1)), w = Tensor<double>::normal({140, 6}, Random(2)),
             b = Tensor<double>::normal({140}, Random(3));
  std::vector<Index> targets(70);
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = i % 9 == 0 ? -100 : Random(4).below(i, 140);
  Tape<double> fused, apart;
  const Var<double> p[] = {fused.variable(x), fused.variable(w), fused.variable(b)};
  const Var<double> q[] = {apart.variable(x), apart.variable(w), apart.variable(b)};
  const auto loss = linear_cross_entropy(p[0], p[1], p[2], std::span<const Index>(targets));
  const auto expected = cross_entropy(linear(q[0], q[1], q[2]), std::span<const Index>(targets));
  CHECK(loss.item() == Approx(expected.item()).epsilon(1e-14));
  backward(loss);
  backward(expected);
  for (int i = 0; i < 3; ++i) {
    for (Index j = 0; j < p[i].value().size(); ++j) {
      CHECK(p[i].gradient()[j] == Approx(q[i].gradient()[j]).margin(1e-15).epsilon(1e-12));
    }
  }
}

TEST_CASE("an ignored row of linear_cross_entropy has no influence, even where it holds NaN") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  Tape<float> tape;
  const auto w = tape.variable(Tensor<float>::normal({9, 2}, Random(1)));
  const auto x = tape.variable(Tensor<float>::of({{1, 2}, {nan, nan}, {3, -1}}));
  const Index targets[] = {4, -100, 0};
  const auto loss = linear_cross_entropy(x, w, {}, std::span<const Index>(targets));
  backward(loss);
  CHECK(std::isfinite(loss.item()));
  CHECK(x.gradient()(1, 0) == 0.0f);
  for (Index i = 0; i < 18; ++i) CHECK(std::isfinite(w.gradient()[i]));
}

TEST_CASE("the memory of linear_cross_entropy grows with rows and items, not with their product") {
  constexpr Index rows = 2000, items = 3000, width = 16;
  const std::vector<Index> targets(rows, 7);
  Tape<float> tape;
  const auto x = tape.variable(Tensor<float>::ones({rows, width})),
             w = tape.variable(Tensor<float>::ones({items, width}));
  backward(linear_cross_entropy(x, w, {}, targets));
  // Values, two copies of the gradients, the exponentials of a tile, and tiles for 16 parts and one thread.
  constexpr std::size_t numbers = 4 * (rows + items) * width + 64 * items + 64 * width * 20;
  CHECK(tape.capacity() < 2 * numbers * sizeof(float));  // an arena doubles its size
  CHECK(tape.capacity() < rows * items * sizeof(float) / 8);
}

TEST_CASE("two backward passes of linear_cross_entropy add to the gradient of a parameter twice") {
  Parameter<double> w({5, 3});
  w.value() = Tensor<double>::normal({5, 3}, Random(1));
  Tape<double> tape;
  const Index targets[] = {4, 0};
  const auto x = tape.constant(Tensor<double>::normal({2, 3}, Random(2)));
  const auto loss = linear_cross_entropy(x, tape.parameter(w), {}, std::span<const Index>(targets));
  backward(loss);
  const Tensor<double> once = w.gradient();
  backward(loss);
  for (Index i = 0; i < once.size(); ++i) CHECK(w.gradient().data()[i] == Approx(2 * once.data()[i]));
}

TEST_CASE("the loss over a slice of the table excludes the other items") {
  const auto table = Tensor<double>::normal({6, 3}, Random(1)), rows = Tensor<double>::normal({2, 3}, Random(2));
  Tape<double> tape;
  const auto x = tape.constant(rows), whole = tape.variable(table), cut = tape.constant(table.view().rows(1, 6));
  const Index targets[] = {4, 0};
  const auto part = tape.alias(whole, whole.value().rows(1, 6));
  const auto loss = linear_cross_entropy(x, part, {}, std::span<const Index>(targets));
  CHECK(loss.item() == linear_cross_entropy(x, cut, {}, std::span<const Index>(targets)).item());
  backward(loss);
  for (Index j = 0; j < 3; ++j) CHECK(whole.gradient()(0, j) == 0.0);
  CHECK(whole.gradient()(5, 0) != 0.0);
}
