// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/matmul.hpp"

#include "heed/kernels/reference/gemm.hpp"
#include "ops/samples.hpp"

namespace heed::test {

const SamplesOf matmul_op("matmul", []() -> OpSamples {
  const auto one = [](const char* label, const Shape& a, const Shape& b) {
    return sample(
        label, {normal(a, "a"), normal(b, "b")}, [](auto&, auto x) { return matmul(x[0], x[1]); },
        [](std::span<const Tensor<double>> x) {
          const Index count = x[1].shape().rank() == 3 ? x[1].shape()[0] : 1;
          Tensor<double> y(x[0].shape().with_cols(x[1].cols()));
          const auto part = [&](auto view, Index i) {
            return view.rows(i * view.rows() / std::max<Index>(count, 1), (i + 1) * view.rows() / count);
          };
          for (Index i = 0; i < count; ++i) {
            kernels::reference::gemm(part(x[0].view(), i), part(x[1].view(), i), nullptr, part(y.view(), i));
          }
          return y;
        });
  };
  OpSamples out;
  out.good = {one("matrices", {3, 4}, {4, 5}),
              one("a vector", {4}, {4, 5}),
              one("three dimensions times a matrix", {2, 3, 4}, {4, 5}),
              one("a batch", {3, 2, 4}, {3, 4, 5}),
              one("a batch of one", {1, 2, 4}, {1, 4, 5}),
              one("one by one", {1, 1}, {1, 1}),
              one("no rows", {0, 4}, {4, 5}),
              one("no columns", {3, 4}, {4, 0}),
              one("nothing to sum", {3, 0}, {0, 5}),
              one("no batch", {0, 3, 4}, {0, 4, 5}),
              one("several chunks", {110, 20}, {20, 40})};
  out.bad = {bad_call(
                 "inner sizes", {{2, 3}, {4, 5}}, [](auto x) { matmul(x[0], x[1]); },
                 "matmul: wanted [.., M, K] times [K, N] or [B, M, K] times [B, K, N], got [2, 3] times [4, 5]"),
             bad_call(
                 "batches", {{2, 3, 4}, {3, 4, 5}}, [](auto x) { matmul(x[0], x[1]); }, "got [2, 3, 4] times"),
             bad_call(
                 "a matrix times a batch", {{3, 4}, {3, 4, 5}}, [](auto x) { matmul(x[0], x[1]); }, "matmul"),
             bad_call(
                 "a scalar", {{}, {1, 5}}, [](auto x) { matmul(x[0], x[1]); }, "got [] times [1, 5]"),
             bad_call(
                 "times a vector", {{2, 3}, {3}}, [](auto x) { matmul(x[0], x[1]); }, "got [2, 3] times [3]")};
  return out;
});

}  // namespace heed::test
