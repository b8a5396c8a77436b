// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/sampled_loss.hpp"

#include <limits>

#include "heed/kernels/reference/sampled_loss.hpp"
#include "heed/ops/linear_cross_entropy.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

enum class Whose { batch, sequences, rows };

/// The arguments of a call other than Vars, kept alive by the sample.
struct SampledCase {
  Whose whose = Whose::batch;
  std::vector<Index> targets, negatives;
  Segments segments{};
  SampledLossOptions options{};
  std::vector<double> log_probabilities{};

  Negatives drawn() const {
    if (whose == Whose::sequences) return Negatives::of_sequences(negatives, segments);
    return whose == Whose::rows ? Negatives::of_rows(negatives) : Negatives::of_batch(negatives);
  }
  SampledLossOptions all_options() const {
    SampledLossOptions out = options;
    out.log_probabilities = log_probabilities;
    return out;
  }
  /// Row i's negatives are `count` from this position on.
  std::size_t first_of(Index i, Index count) const {
    Index set = whose == Whose::rows ? i : 0;
    while (whose == Whose::sequences && segments.end(set) <= i) ++set;
    return static_cast<std::size_t>(set * count);
  }
};

Tensor<double> sampled_reference(const SampledCase& c, std::span<const Tensor<double>> x) {
  const Tensor<double>& weight = x[1];
  const Index items = weight.rows(), rows = x[0].rows(), width = weight.cols();
  const Index sets = c.whose == Whose::batch ? 1 : (c.whose == Whose::rows ? rows : c.segments.count());
  const Index count = sets > 0 ? std::ssize(c.negatives) / sets : 0;
  const double alpha = static_cast<double>(count) / static_cast<double>(items - 1), t = c.options.calibration;
  const double beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha);
  double sum = 0, counted = 0;
  for (Index i = 0; i < rows; ++i) {
    const Index target = c.targets[static_cast<std::size_t>(i)];
    if (target == c.options.ignore_index) continue;
    std::vector<double> logits;
    for (Index j = -1; j < count; ++j) {
      const Index item = j < 0 ? target : c.negatives[c.first_of(i, count) + static_cast<std::size_t>(j)];
      double dot = x.size() > 2 ? x[2].data()[item] : 0;
      if (!c.log_probabilities.empty()) dot -= c.log_probabilities[static_cast<std::size_t>(item)];
      for (Index k = 0; k < width; ++k) dot += c.options.scale * x[0].data()[i * width + k] * weight(item, k);
      const bool hit = j >= 0 && item == target && c.options.hide_hits;
      logits.push_back(hit ? -std::numeric_limits<double>::infinity() : dot);
    }
    sum += kernels::reference::sampled_loss(c.options.loss, beta, 1 + count, logits.data());
    ++counted;
  }
  return Tensor<double>::scalar(c.options.reduction == Reduction::mean && counted > 0 ? sum / counted : sum);
}

Sample sampled_sample(const char* label, const Shape& shape, Index items, bool biased, const SampledCase& c) {
  std::vector<Tensor<double>> inputs = {normal(shape, "x"), normal({items, shape.cols()}, "weight")};
  if (biased) inputs.push_back(normal({items}, "bias"));
  return sample(
      label, inputs,
      [=](auto&, auto x) {
        return sampled_loss(x[0], x[1], biased ? x[2] : std::remove_cvref_t<decltype(x[0])>{},
                            std::span<const Index>(c.targets), c.drawn(), c.all_options());
      },
      [=](std::span<const Tensor<double>> x) { return sampled_reference(c, x); });
}

BadCall bad_sampled(const char* label, std::vector<Shape> shapes, const SampledCase& c, const char* expected) {
  return bad_call(
      label, std::move(shapes),
      [=](auto x) {
        sampled_loss(x[0], x[1], x.size() > 2 ? x[2] : Var<float>{}, std::span<const Index>(c.targets), c.drawn(),
                     c.all_options());
      },
      expected);
}

}  // namespace

const SamplesOf sampled_loss_op("sampled_loss", []() -> OpSamples {
  constexpr SampledLoss bce = SampledLoss::bce, gbce = SampledLoss::gbce;
  const std::vector<Index> three = {3, 0, 5, 3, 8, 1, 2, 2, 7};
  std::vector<Index> many, own, few(20), all;
  for (Index i = 0; i < 150; ++i) {
    many.push_back(i % 7 == 0 ? -100 : (i * 41) % 30);
    all.push_back((i * 41) % 30);
    own.insert(own.end(), {(i * 13) % 30, (i * 17) % 30});
  }
  for (std::size_t i = 0; i < few.size(); ++i) few[i] = Random(5).below(i, 30);
  OpSamples out;
  out.good = {
      sampled_sample("of the batch", {3, 4}, 9, false, {Whose::batch, {3, 8, 0}, {3, 0, 5, 2, 2}}),
      sampled_sample("hits count, sum", {3, 4}, 9, true,
                     {Whose::batch, {3, 8, 0}, {3, 0, 5, 2}, {}, {.reduction = Reduction::sum, .hide_hits = false}}),
      sampled_sample("of sequences, one of them empty", {2, 2, 4}, 9, true,
                     {Whose::sequences, {3, 8, 0, 1}, three, Segments({3, 0, 1}), {.scale = 1.5}}),
      sampled_sample("of rows, bce", {3, 4}, 9, false, {Whose::rows, {3, 8, 0}, three, {}, {.loss = bce}}),
      sampled_sample("of rows, one each, bce", {3, 4}, 9, true,
                     {Whose::rows, {3, -100, 0}, {1, 2, 1}, {}, {.loss = bce}}),
      sampled_sample("of the batch, gbce", {3, 4}, 9, true, {Whose::batch, {3, 8, 0}, {3, 0, 5}, {}, {.loss = gbce}}),
      sampled_sample("of rows, gbce, calibrated", {3, 4}, 9, false,
                     {Whose::rows, {3, 8, 0}, three, {}, {.loss = gbce, .calibration = 1}}),
      sampled_sample("with logQ", {3, 4}, 4, true, {Whose::batch, {3, 1, 0}, {3, 0, 2}, {}, {}, {-1, -0.5, -2, -3}}),
      sampled_sample("one vector, no negatives", {6}, 9, false, {Whose::batch, {5}, {}, {}, {.loss = bce}}),
      sampled_sample("all ignored", {2, 4}, 5, true, {Whose::batch, {-100, -100}, {1, 2}}),
      sampled_sample("no rows", {0, 4}, 5, false, {Whose::rows, {}, {}}),
      sampled_sample("no columns", {3, 0}, 9, true, {Whose::batch, {3, 8, 0}, {3, 0, 5}}),
      sampled_sample("no columns, of rows", {3, 0}, 9, true, {Whose::rows, {3, 8, 0}, three, {}, {.loss = bce}}),
      sampled_sample("several tiles and columns", {150, 37}, 30, true, {Whose::batch, many, few, {}, {.scale = .2}}),
      sampled_sample("several tiles, of sequences", {150, 5}, 30, true,
                     {Whose::sequences, many, few, Segments({70, 1, 0, 79}), {.loss = gbce}}),
      sampled_sample("several tiles, none ignored", {150, 37}, 30, true, {Whose::rows, all, own, {}, {.loss = bce}}),
      sampled_sample("several tiles, of rows", {150, 5}, 30, true, {Whose::rows, many, own, {}, {.loss = bce}})};
  const char* const fit = "do not fit [rows, d], [items, d], [items] and rows";
  const SampledCase good{Whose::batch, {1, 2}, {0, 1, 2}};
  out.bad = {
      bad_sampled("too few targets", {{3, 4}, {5, 4}}, good, "sampled_loss: input [3, 4], weight [5, 4], bias none"),
      bad_sampled("widths differ", {{2, 4}, {5, 3}}, good, fit),
      bad_sampled("a weight of rank 1", {{2, 4}, {4}}, good, fit),
      bad_sampled("a bias of another size", {{2, 4}, {5, 4}, {4}}, good, "bias [4] and 2 targets"),
      bad_sampled("negatives for no whole row", {{2, 4}, {5, 4}}, {Whose::rows, {1, 2}, {0, 1, 2}},
                  "sampled_loss: 3 negatives for 2 sets do not fit 2 rows"),
      bad_sampled("sequences of other rows", {{2, 4}, {5, 4}}, {Whose::sequences, {1, 2}, {0, 1}, Segments({3, 1})},
                  "2 negatives for 2 sets do not fit 2 rows in sequences of 4"),
      bad_sampled("target too large", {{2, 4}, {5, 4}}, {Whose::batch, {1, 5}, {0}},
                  "sampled_loss: target 5 of row 1 is not one of 5 items"),
      bad_sampled("negative negative", {{2, 4}, {5, 4}}, {Whose::batch, {1, 2}, {0, -1}},
                  "sampled_loss: negative -1 at position 1 is not one of 5 items"),
      bad_sampled("not reduced", {{2, 4}, {5, 4}}, {Whose::batch, {1, 2}, {0}, {}, {.reduction = Reduction::none}},
                  "sampled_loss: reduction must be mean or sum"),
      bad_sampled("calibration above 1", {{2, 4}, {5, 4}}, {Whose::batch, {1, 2}, {0}, {}, {.calibration = 1.5}},
                  "sampled_loss: calibration 1.5"),
      bad_sampled("too few probabilities", {{2, 4}, {5, 4}}, {Whose::batch, {1, 2}, {0}, {}, {}, {-1, -1}},
                  "sampled_loss: 2 log_probabilities for 5 items")};
  return out;
});

}  // namespace heed::test

using namespace heed;

TEST_CASE("sampled softmax over all items is cross-entropy over the catalogue") {
  const auto rows = Tensor<double>::normal({7, 6}, Random(1)), table = Tensor<double>::normal({20, 6}, Random(2));
  const std::vector<Index> targets = {3, 19, 0, 3, -100, 7, 11};
  std::vector<Index> all(20);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Index>(i);
  Tape<double> a, b;
  const auto x = a.variable(rows), w = a.variable(table), v = b.variable(rows), u = b.variable(table);
  const auto sampled = sampled_loss(x, w, {}, targets, Negatives::of_batch(all));
  const auto full = linear_cross_entropy(v, u, {}, targets);
  CHECK(sampled.item() == Approx(full.item()).epsilon(1e-14));
  backward(sampled);
  backward(full);
  for (Index i = 0; i < 120; ++i) CHECK(w.gradient()[i] == Approx(u.gradient()[i]).margin(1e-15).epsilon(1e-12));
  for (Index i = 0; i < 42; ++i) CHECK(x.gradient()[i] == Approx(v.gradient()[i]).margin(1e-15).epsilon(1e-12));
}

TEST_CASE("an ignored row of sampled_loss has no influence, even where it holds NaN") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const Index targets[] = {4, -100, 0}, negatives[] = {1, 2, 3, 5, 6, 7};
  for (const bool own : {false, true}) {
    Tape<float> tape;
    const auto w = tape.variable(Tensor<float>::normal({9, 2}, Random(1)));
    const auto x = tape.variable(Tensor<float>::of({{1, 2}, {nan, nan}, {3, -1}}));
    const auto loss =
        sampled_loss(x, w, {}, targets, own ? Negatives::of_rows(negatives) : Negatives::of_batch(negatives));
    backward(loss);
    CHECK(std::isfinite(loss.item()));
    CHECK(x.gradient()(1, 0) == 0.0f);
    for (Index i = 0; i < 18; ++i) CHECK(std::isfinite(w.gradient()[i]));
  }
}
