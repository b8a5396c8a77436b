// SPDX-License-Identifier: Apache-2.0
// C = A B at this library's sizes, beside Eigen's product in the same process. FLOPs: 2 M N K.
#include "heed/kernels/gemm.hpp"

#include <benchmark/benchmark.h>

#include "heed/core/tensor.hpp"
#include "machine.hpp"

namespace {

using heed::Random;
using heed::Tensor;

double flops(const benchmark::State& state) {
  return 2.0 * static_cast<double>(state.range(0)) * static_cast<double>(state.range(1)) *
         static_cast<double>(state.range(2));
}

void gemm_heed(benchmark::State& state) {
  const auto a = Tensor<float>::normal({state.range(0), state.range(2)}, Random(1));
  const auto b = Tensor<float>::normal({state.range(2), state.range(1)}, Random(2));
  Tensor<float> c({state.range(0), state.range(1)});
  bench::measure_flops(state, flops(state), [&] { heed::kernels::gemm<float>(a, b, c); });
}

void gemm_eigen(benchmark::State& state) {
  const auto a = Tensor<float>::normal({state.range(0), state.range(2)}, Random(1));
  const auto b = Tensor<float>::normal({state.range(2), state.range(1)}, Random(2));
  Tensor<float> c({state.range(0), state.range(1)});
  bench::measure_flops(state, flops(state), [&] { c.matrix().noalias() = a.matrix() * b.matrix(); });
}

/// The gradient of a weight: C = A^T B, summing over many rows.
void gemm_tn_heed(benchmark::State& state) {
  const auto a = Tensor<float>::normal({state.range(2), state.range(0)}, Random(1));
  const auto b = Tensor<float>::normal({state.range(2), state.range(1)}, Random(2));
  Tensor<float> c({state.range(0), state.range(1)});
  bench::measure_flops(state, flops(state), [&] { heed::kernels::gemm_tn<float>(a, b, c); });
}

void gemm_tn_eigen(benchmark::State& state) {
  const auto a = Tensor<float>::normal({state.range(2), state.range(0)}, Random(1));
  const auto b = Tensor<float>::normal({state.range(2), state.range(1)}, Random(2));
  Tensor<float> c({state.range(0), state.range(1)});
  bench::measure_flops(state, flops(state), [&] { c.matrix().noalias() = a.matrix().transpose() * b.matrix(); });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"M", "N", "K"})->UseManualTime()->Unit(benchmark::kMicrosecond);
  for (const auto& s : {std::vector<std::int64_t>{6400, 64, 64},
                        {6400, 256, 64},
                        {128, 512, 128},
                        {200, 200, 64},
                        {128, 3417, 64},
                        {1, 3417, 64}}) {
    b->Args(s);
  }
}
BENCHMARK(gemm_heed)->Apply(sizes);
BENCHMARK(gemm_eigen)->Apply(sizes);
BENCHMARK(gemm_tn_heed)->ArgNames({"M", "N", "K"})->Args({64, 64, 6400})->UseManualTime();
BENCHMARK(gemm_tn_eigen)->ArgNames({"M", "N", "K"})->Args({64, 64, 6400})->UseManualTime();

}  // namespace
