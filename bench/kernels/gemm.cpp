// SPDX-License-Identifier: Apache-2.0
// C [M, N] = A [M, K] B [K, N] at sizes of this library's models: gemm_MxNxK. The gradient with respect to a weight,
// A^T B with A [K, M], is gemm_tn_MxNxK.
#include "heed/kernels/gemm.hpp"

#include <benchmark/benchmark.h>

#include <string>

#include "heed/core/tensor.hpp"
#include "machine.hpp"

namespace {

using heed::Index;
using heed::Random;
using heed::Tensor;

void gemm(benchmark::State& state, Index m, Index n, Index k, bool transposed) {
  const auto a = Tensor<float>::normal(transposed ? heed::Shape{k, m} : heed::Shape{m, k}, Random(1));
  const auto b = Tensor<float>::normal({k, n}, Random(2));
  Tensor<float> c({m, n});
  const auto work = [&] { transposed ? heed::kernels::gemm_tn<float>(a, b, c) : heed::kernels::gemm<float>(a, b, c); };
  bench::measure_flops(state, 2.0 * static_cast<double>(m * n * k), work, "2 M N K");
}

[[maybe_unused]] const bool registered = [] {
  struct {
    Index m, n, k;
    bool transposed;
  } const sizes[] = {{6400, 64, 64, false},  {6400, 256, 64, false}, {128, 512, 128, false}, {200, 200, 64, false},
                     {128, 3417, 64, false}, {1, 3417, 64, false},   {64, 64, 6400, true}};
  for (const auto& s : sizes) {
    const std::string name = std::string(s.transposed ? "gemm_tn_" : "gemm_") + std::to_string(s.m) + 'x' +
                             std::to_string(s.n) + 'x' + std::to_string(s.k);
    benchmark::RegisterBenchmark(name.c_str(), gemm, s.m, s.n, s.k, s.transposed)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
  return true;
}();

}  // namespace
