// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/concat.hpp"

#include "ops/samples.hpp"

namespace heed::test {

const SamplesOf concat_op("concat", []() -> OpSamples {
  const auto one = [](const char* label, const std::vector<Shape>& shapes, int axis) {
    std::vector<Tensor<double>> inputs;
    for (const Shape& shape : shapes) inputs.push_back(normal(shape, std::to_string(inputs.size())));
    return sample(
        label, std::move(inputs), [axis](auto&, auto x) { return concat(x, axis); },
        [axis](std::span<const Tensor<double>> x) {
          const int at = axis < 0 ? axis + x[0].shape().rank() : axis;
          Index size = 0, outer = 1;
          for (const auto& part : x) size += part.shape()[at];
          for (int d = 0; d < at; ++d) outer *= x[0].shape()[d];
          Tensor<double> y(detail::with_size(x[0].shape(), at, size));
          double* to = y.data();
          for (Index o = 0; o < outer; ++o) {
            for (const auto& part : x) to = std::copy_n(part.data() + o * part.size() / outer, part.size() / outer, to);
          }
          return y;
        });
  };
  OpSamples out;
  out.good = {one("rows", {{2, 3}, {1, 3}, {4, 3}}, 0),
              one("columns", {{2, 3}, {2, 1}, {2, 17}}, -1),
              one("vectors", {{3}, {5}}, 0),
              one("planes", {{2, 3, 4}, {1, 3, 4}}, 0),
              one("in the middle", {{2, 3, 4}, {2, 1, 4}}, 1),
              one("one alone", {{2, 3}}, 1),
              one("with nothing", {{2, 3}, {0, 3}}, 0),
              one("with no columns", {{2, 0}, {2, 3}}, 1)};
  out.bad = {bad_call(
                 "other sizes", {{2, 3}, {2, 4}}, [](auto x) { concat(x, 0); },
                 "concat: [2, 4] and [2, 3] differ in more than dimension 0"),
             bad_call(
                 "other ranks", {{2, 3}, {3}}, [](auto x) { concat(x, 0); }, "concat: [3] and [2, 3] differ"),
             bad_call(
                 "a dimension", {{2, 3}, {2, 3}}, [](auto x) { concat(x, 2); }, "concat: dimension 2 of [2, 3]"),
             bad_call(
                 "none", {}, [](auto x) { concat(x, 0); }, "concat: wanted at least one array"),
             {"two tapes",
              [] {
                Tape<float> first, other;
                concat({first.constant(Tensor<float>({1, 2})), other.constant(Tensor<float>({1, 2}))}, 0);
              },
              "concat: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test

TEST_CASE("concat accepts the same value twice") {
  using namespace heed;
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({{1, 2}}));
  const auto y = concat({x, x}, 0);
  backward(record(tape, {y}, tape.zeros({}), [=](const Gradients<double>& g) {
    g(y)(0, 0) += 5;
    g(y)(1, 0) += 7;
  }));
  CHECK(x.gradient()[0] == 12);
  CHECK(x.gradient()[1] == 0);
}
