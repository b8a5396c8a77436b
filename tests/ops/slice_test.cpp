// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/slice.hpp"

#include "ops/samples.hpp"

namespace heed::test {

const SamplesOf slice_op("slice", []() -> OpSamples {
  const auto one = [](const char* label, const Shape& shape, int axis, Index begin, Index end) {
    return sample(
        label, {normal(shape)}, [=](auto&, auto x) { return slice(x[0], axis, begin, end); },
        [=](std::span<const Tensor<double>> x) {
          const Shape& from = x[0].shape();
          const int at = axis < 0 ? axis + from.rank() : axis;
          Tensor<double> y(detail::with_size(from, at, end - begin));
          Index inner = 1;
          for (int d = at + 1; d < from.rank(); ++d) inner *= from[d];
          for (Index i = 0; i < y.size(); ++i) {
            const Index o = i / (inner * (end - begin)), m = i / inner % (end - begin), k = i % inner;
            y.data()[i] = x[0].data()[(o * from[at] + begin + m) * inner + k];
          }
          return y;
        });
  };
  OpSamples out;
  out.good = {one("rows", {5, 3}, 0, 1, 3),
              one("columns", {5, 7}, -1, 2, 5),
              one("a vector", {9}, 0, 3, 7),
              one("planes", {4, 2, 3}, 0, 1, 3),
              one("in the middle", {2, 5, 3}, 1, 1, 4),
              one("in the middle of four", {2, 3, 5, 4}, 1, 2, 3),
              one("in the middle, behind ones", {1, 5, 2, 3}, 1, 1, 4),
              one("columns of three dimensions", {2, 3, 7}, 2, 0, 4),
              one("everything", {3, 4}, 1, 0, 4),
              one("no rows", {3, 4}, 0, 2, 2),
              one("no columns", {3, 4}, 1, 4, 4)};
  out.bad = {
      bad_call(
          "a dimension", {{3, 4}}, [](auto x) { slice(x[0], 2, 0, 1); }, "slice: dimension 2 of [3, 4]"),
      bad_call(
          "a dimension from the end", {{3, 4}}, [](auto x) { slice(x[0], -3, 0, 1); }, "slice: dimension -3 of [3, 4]"),
      bad_call(
          "a range", {{3, 4}}, [](auto x) { slice(x[0], 1, 2, 5); }, "slice: range 2 .. 5 of dimension 1 of [3, 4]"),
      bad_call(
          "backwards", {{3, 4}}, [](auto x) { slice(x[0], 0, 2, 1); }, "slice: range 2 .. 1"),
      bad_call(
          "negative", {{3, 4}}, [](auto x) { slice(x[0], 0, -1, 1); }, "slice: range -1 .. 1"),
      bad_call(
          "a scalar", {{}}, [](auto x) { slice(x[0], 0, 0, 1); }, "slice: dimension 0 of []")};
  return out;
});

}  // namespace heed::test

TEST_CASE("slices of rows and columns are views, and views of views") {
  using namespace heed;
  Tape<float> tape;
  const auto x = tape.variable(Tensor<float>({4, 6}));
  const auto part = slice(slice(x, 1, 1, 5), 0, 1, 3);
  CHECK(part.value().data() == x.value().data() + 7);
  CHECK(part.value().row_stride() == 6);
  CHECK(slice(part, 1, 2, 3).value().data() == x.value().data() + 9);
}
