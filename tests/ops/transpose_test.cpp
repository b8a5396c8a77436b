// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/transpose.hpp"

#include "ops/samples.hpp"

namespace heed::test {

const SamplesOf transpose_op("transpose", []() -> OpSamples {
  const auto one = [](const char* label, const Shape& shape) {
    return sample(
        label, {normal(shape)}, [](auto&, auto x) { return transpose(x[0]); },
        [](std::span<const Tensor<double>> x) {
          const Shape& from = x[0].shape();
          const Index rows = from[-2], cols = from[-1];
          Tensor<double> y(from.rank() == 3 ? Shape{from[0], cols, rows} : Shape{cols, rows});
          for (Index i = 0; i < y.size(); ++i) {
            const Index plane = i / (rows * cols), c = i / rows % cols, r = i % rows;
            y.data()[i] = x[0].data()[(plane * rows + r) * cols + c];
          }
          return y;
        });
  };
  OpSamples out;
  out.good = {one("a matrix", {3, 5}),    one("a batch", {2, 3, 5}), one("one row", {1, 17}),
              one("one column", {17, 1}), one("no rows", {0, 3}),    one("larger than a block", {19, 35})};
  out.bad = {bad_call(
                 "a vector", {{3}}, [](auto x) { transpose(x[0]); }, "transpose: wanted [M, N] or [B, M, N], got [3]"),
             bad_call(
                 "four dimensions", {{1, 2, 3, 4}}, [](auto x) { transpose(x[0]); }, "got [1, 2, 3, 4]")};
  return out;
});

}  // namespace heed::test
