// SPDX-License-Identifier: Apache-2.0
// Samples shared by softmax and log_softmax: every kind of mask, with NaN in hidden elements.
#pragma once

#include <cmath>

#include "heed/core/mask.hpp"
#include "ops/samples.hpp"

namespace heed::test {

/// Returns the masked score of x at a position, from the definition of the masks: -infinity where hidden.
inline double masked_score(const Mask& mask, Index sequence, Index query, Index queries, Index key, Index keys,
                           double x) {
  if (mask.is_causal() && key > query + keys - queries) return -INFINITY;
  if (mask.key_lengths() != nullptr && key >= (*mask.key_lengths())[static_cast<std::size_t>(sequence)])
    return -INFINITY;
  double added = 0;
  for (const auto& term : mask.terms()) {
    const Index plane = term->shape.rank() == 3 ? sequence : 0;
    const Index at = (plane * term->shape[-2] + query) * term->shape[-1] + key;
    const double value = term->values[static_cast<std::size_t>(at)];
    if (term->kind == Mask::Kind::additive) {
      added += value;
    } else if ((term->kind == Mask::Kind::visible) != (value != 0)) {
      return -INFINITY;
    }
  }
  return added == -INFINITY ? added : x + added;
}

/// `call(x, mask)` is the operation, `reference(size, stride, scores, y)` its definition.
template <class F>
std::vector<Sample> softmax_samples(F call, void (*reference)(Index, Index, const double*, double*)) {
  const auto one = [&](const char* label, const Shape& shape, const Mask& mask = {}) {
    const Index keys = shape.cols(), queries = shape.rank() > 1 ? shape[-2] : 1;
    const Index each = shape.rank() > 2 ? shape.rows() / shape[0] : shape.rows();
    const auto scores = [=](const Tensor<double>& x) {
      Tensor<double> out(shape);
      for (Index i = 0; i < x.size(); ++i) {
        const Index row = i / keys;
        out.data()[i] = masked_score(mask, row / each, row % queries, queries, i % keys, keys, x.data()[i]);
      }
      return out;
    };
    Tensor<double> x = normal(shape);
    const Tensor<double> seen = scores(x);
    for (Index i = 0; i < x.size(); ++i) {
      if (seen.data()[i] == -INFINITY) x.data()[i] = i % 2 == 0 ? NAN : INFINITY;
    }
    return sample(
        label, {x}, [=](auto&, auto v) { return call(v[0], mask); },
        [=](std::span<const Tensor<double>> v) {
          const Tensor<double> in = scores(v[0]);
          Tensor<double> y(shape);
          for (Index r = 0; r < shape.rows(); ++r) reference(keys, 1, in.data() + r * keys, y.data() + r * keys);
          return y;
        });
  };
  const Tensor<double> some = Tensor<double>::of({{1, 0, 1}, {0, 0, 1}, {0, 0, 0}, {1, 1, 1}});
  Tensor<double> planes({2, 4, 3}), added({4, 3});
  for (Index i = 0; i < planes.size(); ++i)
    planes.data()[i] = static_cast<double>(Random(2).below(static_cast<std::uint64_t>(i), 2));
  for (Index i = 0; i < added.size(); ++i) added.data()[i] = i % 5 == 0 ? -INFINITY : 0.3 * static_cast<double>(i);
  const Index lengths[] = {2, 0, 3};
  return {one("a vector", {5}),
          one("rows", {3, 5}),
          one("rows longer than a register", {2, 35}),
          one("one element", {3, 1}),
          one("three dimensions", {2, 3, 4}),
          one("no rows", {0, 4}),
          one("empty rows", {3, 0}),
          one("causal", {4, 4}, Mask::causal()),
          one("causal, more keys", {2, 5}, Mask::causal()),
          one("causal, more queries: the first see nothing", {5, 3}, Mask::causal()),
          one("lengths, one of them 0", {3, 2, 4}, Mask::lengths(lengths)),
          one("visible, one row hidden wholly", {4, 3}, Mask::visible(some.view())),
          one("hidden", {4, 3}, Mask::hidden(some.view())),
          one("a mask for each sequence", {2, 4, 3}, Mask::visible(std::as_const(planes).view())),
          one("one mask for heads and sequences", {2, 2, 4, 3}, Mask::visible(some.view())),
          one("additive", {4, 3}, Mask::additive(std::as_const(added).view())),
          one("all together", {2, 4, 3},
              Mask::causal() & Mask::visible(std::as_const(planes).view()) &
                  Mask::additive(std::as_const(added).view()) & Mask::lengths(std::span(lengths).subspan(0, 2))),
          one("several chunks", {40, 600}, Mask::causal())};
}

template <class F>
std::vector<BadCall> softmax_refusals(const std::string& name, F call) {
  return {bad_call(
              "a scalar", {{}}, [=](auto x) { call(x[0], Mask()); }, name + ": wanted at least one dimension, got []"),
          bad_call(
              "a vector with a mask", {{4}}, [=](auto x) { call(x[0], Mask::causal()); },
              name + ": wanted [.., queries, keys], got [4]"),
          bad_call(
              "a mask that is too small", {{4, 5}},
              [=](auto x) {
                call(x[0], Mask::visible(TensorView<const float>(Tensor<float>({4, 4}))));
              },
              name + ": mask [4, 4]"),
          bad_call(
              "lengths", {{3, 2, 5}},
              [=](auto x) {
                call(x[0], Mask::lengths(std::vector<Index>{1, 2}));
              },
              name + ": mask has 2 lengths for 3 sequences")};
}

}  // namespace heed::test
