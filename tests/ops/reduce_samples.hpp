// SPDX-License-Identifier: Apache-2.0
// Samples shared by sum, mean and max, and references of expand and of reductions over segments.
#pragma once

#include "heed/core/segments.hpp"
#include "heed/ops/detail/axis.hpp"
#include "ops/samples.hpp"

namespace heed::test {

/// `reduce(outer, middle, inner, x, y)` over the middle of [outer, middle, inner].
using Reduce = void (*)(Index outer, Index middle, Index inner, const double* x, double* y);

inline Tensor<double> reduced(const Tensor<double>& x, int axis, Reduce reduce) {
  const int at = axis < 0 ? axis + x.shape().rank() : axis;
  Index outer = 1, inner = 1;
  for (int d = 0; d < at; ++d) outer *= x.shape()[d];
  for (int d = at + 1; d < x.shape().rank(); ++d) inner *= x.shape()[d];
  Tensor<double> y(detail::without(x.shape(), at));
  reduce(outer, x.shape()[at], inner, x.data(), y.data());
  return y;
}

inline Tensor<double> reduced(const Tensor<double>& x, const Segments& segments, Reduce reduce, double empty) {
  Tensor<double> y = Tensor<double>::full(detail::with_size(x.shape(), 0, segments.count()), empty);
  const Index width = detail::without(x.shape(), 0).size();
  for (Index s = 0; s < segments.count(); ++s) {
    if (segments.length(s) == 0) continue;
    reduce(1, segments.length(s), width, x.data() + segments.begin(s) * width, y.data() + s * width);
  }
  return y;
}

/// Numbers in [-2, 5) of which no two within 601 neighbours, for any stride, are closer than 0.01, and with a unique
/// maximum: finite differences do not change the maxima.
inline Tensor<double> apart(const Shape& shape) {
  Tensor<double> x(shape);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = 0.01 * static_cast<double>(37 * i % 601) - 2;
  if (x.size() > 0) x.data()[x.size() / 2] += 1;
  return x;
}

/// `whole(x)`, `over_axis(x, axis)` and `over_segments(x, segments)` are the three overloads of the operation.
template <class Whole, class Axis, class Segment>
std::vector<Sample> reduce_samples(Reduce reduce, double empty, Whole whole, Axis over_axis, Segment over_segments) {
  const auto everything = [&](const char* label, const Shape& shape) {
    return sample(
        label, {apart(shape)}, [whole](auto&, auto x) { return whole(x[0]); },
        [reduce](std::span<const Tensor<double>> x) { return reduced(x[0].reshaped({x[0].size()}), 0, reduce); });
  };
  const auto one = [&](const char* label, const Shape& shape, int axis) {
    return sample(
        label, {apart(shape)}, [=](auto&, auto x) { return over_axis(x[0], axis); },
        [=](std::span<const Tensor<double>> x) { return reduced(x[0], axis, reduce); });
  };
  const auto ragged = [&](const char* label, const Shape& shape, std::vector<Index> lengths) {
    const Segments segments{std::span<const Index>(lengths)};
    return sample(
        label, {apart(shape)}, [=](auto&, auto x) { return over_segments(x[0], segments); },
        [=](std::span<const Tensor<double>> x) { return reduced(x[0], segments, reduce, empty); });
  };
  return {everything("everything", {3, 5}),
          everything("a scalar", {}),
          everything("everything, long", {3, 3000}),
          one("rows", {4, 5}, 0),
          one("columns", {4, 17}, -1),
          one("a vector", {9}, 0),
          one("in the middle", {2, 3, 5}, 1),
          one("the first of three", {3, 2, 5}, 0),
          one("the last of three", {2, 3, 5}, 2),
          one("the second of four", {2, 3, 2, 5}, 1),
          one("one element", {3, 1}, 1),
          one("no rows", {0, 4}, 1),
          one("several chunks", {600, 30}, 1),
          one("a long sum of rows", {600, 5}, 0),
          ragged("segments", {7, 3}, {2, 1, 4}),
          ragged("segments, some empty", {5, 4}, {0, 3, 0, 2, 0}),
          ragged("segments of a vector", {6}, {1, 5}),
          ragged("segments of planes", {5, 2, 3}, {3, 2}),
          ragged("segments of nothing", {0, 3}, {0, 0}),
          ragged("no segments", {0, 3}, {}),
          ragged("segments in several chunks", {650, 30}, {600, 1, 49})};
}

/// Returns calls of the three that must throw; `name` is the operation's name.
template <class Axis, class Segment>
std::vector<BadCall> reduce_refusals(const std::string& name, Axis over_axis, Segment over_segments) {
  return {bad_call(
              "a dimension", {{2, 3}}, [=](auto x) { over_axis(x[0], 2); }, name + ": dimension 2 of [2, 3]"),
          bad_call(
              "a dimension from the end", {{2, 3}}, [=](auto x) { over_axis(x[0], -3); },
              name + ": dimension -3 of [2, 3]"),
          bad_call(
              "other tokens", {{4, 3}},
              [=](auto x) {
                over_segments(x[0], Segments{2, 3});
              },
              name + ": input [4, 3] for 2 segments of 5 tokens"),
          bad_call(
              "a scalar", {{}}, [=](auto x) { over_segments(x[0], Segments{1}); }, name + ": input [] for")};
}

/// Samples and bad calls of a reduction that is undefined on empty groups: `over_segments(x, segments, -2.5)` returns
/// -2.5 for empty segments, and throws without this number.
template <class Whole, class Axis, class Segment>
OpSamples nonempty_reduce_samples(const std::string& name, Reduce reduce, Whole whole, Axis over_axis,
                                  Segment over_segments) {
  const auto with_default = [=](auto x, const Segments& segments) { return over_segments(x, segments, -2.5); };
  OpSamples out{reduce_samples(reduce, -2.5, whole, over_axis, with_default),
                reduce_refusals(name, over_axis, with_default)};
  out.bad.push_back(bad_call(
      "of nothing", {{0, 4}}, [=](auto x) { whole(x[0]); }, name + ": nothing to reduce in [0, 4]"));
  out.bad.push_back(bad_call(
      "over no rows", {{0, 4}}, [=](auto x) { over_axis(x[0], 0); }, name + ": nothing to reduce"));
  out.bad.push_back(bad_call(
      "an empty segment", {{3, 4}},
      [=](auto x) {
        over_segments(x[0], Segments{2, 0, 1});
      },
      name + ": segment 1 is empty, and no default is given"));
  return out;
}

}  // namespace heed::test
