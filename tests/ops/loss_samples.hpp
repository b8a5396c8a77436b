// SPDX-License-Identifier: Apache-2.0
// Samples shared by elementwise losses: each reduction of no element, of one element and of several chunks.
#pragma once

#include "heed/ops/detail/reduction.hpp"
#include "ops/samples.hpp"

namespace heed::test {

/// `loss(prediction, target, reduction)` is the operation, `reference(size, prediction, target, each)` its definition;
/// `target_of(shape)` returns a target.
template <class Loss>
OpSamples loss_samples(const std::string& name, Loss loss,
                       void (*reference)(Index, const double*, const double*, double*),
                       Tensor<double> (*target_of)(const Shape&)) {
  const auto one = [&](const char* label, const Shape& shape, Reduction reduction) {
    return sample(
        label, {normal(shape, "prediction", 2), target_of(shape)},
        [=](auto&, auto x) { return loss(x[0], x[1], reduction); },
        [=](std::span<const Tensor<double>> x) {
          Tensor<double> each(x[0].shape());
          reference(each.size(), x[0].data(), x[1].data(), each.data());
          if (reduction == Reduction::none) return each;
          double sum = 0;
          for (Index i = 0; i < each.size(); ++i) sum += each.data()[i];
          const bool mean = reduction == Reduction::mean && each.size() > 0;
          return Tensor<double>::scalar(mean ? sum / static_cast<double>(each.size()) : sum);
        });
  };
  OpSamples out;
  out.good = {one("mean", {4, 3}, Reduction::mean),
              one("sum", {17}, Reduction::sum),
              one("of each element", {2, 3, 5}, Reduction::none),
              one("of scalars", {}, Reduction::mean),
              one("mean of nothing", {0, 3}, Reduction::mean),
              one("nothing from nothing", {0, 3}, Reduction::none),
              one("mean of several blocks", {3, 3000}, Reduction::mean),
              one("each of several chunks", {3, 7000}, Reduction::none)};
  const auto call = [=](auto x) { loss(x[0], x[1], Reduction::mean); };
  out.bad = {
      bad_call("a column and a row", {{4, 1}, {4}}, call, name + ": prediction [4, 1] and target [4] differ in shape"),
      bad_call("a number for many", {{4}, Shape{}}, call, name + ": prediction [4] and target [] differ in shape"),
      {"two tapes",
       [=] {
         Tape<float> a, b;
         loss(a.constant(1.0f), b.constant(1.0f), Reduction::mean);
       },
       name + ": inputs on different tapes"}};
  return out;
}

}  // namespace heed::test
