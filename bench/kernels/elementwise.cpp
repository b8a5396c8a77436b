// SPDX-License-Identifier: Apache-2.0
// Softmax and layer normalisation of rows, GELU, and a step of Adam: at the size of a layer and at 128 MB per array.
// Bytes: each array that is read or written, once.
#include "elementwise.hpp"

#include <benchmark/benchmark.h>

#include "heed/core/tensor.hpp"
#include "heed/kernels/activation.hpp"
#include "heed/kernels/adam.hpp"
#include "heed/kernels/layer_norm.hpp"
#include "heed/kernels/softmax.hpp"

namespace {

using heed::Index;
using heed::Random;
using heed::Tensor;
using heed::TensorView;
namespace kernels = heed::kernels;

void softmax_rows(benchmark::State& state, Index rows, Index cols) {
  const auto x = Tensor<float>::normal({rows, cols}, Random(1));
  Tensor<float> y({rows, cols});
  bench::measure_elements(state, static_cast<double>(rows * cols), static_cast<double>(8 * cols), {1, 1, 1},
                          [&](Index n) {
                            for (Index i = 0; i < n; i += cols) {
                              kernels::softmax_row<float>(cols, x.data() + i, y.data() + i);
                            }
                          });
}

void layer_norm(benchmark::State& state, Index rows, Index features) {
  const auto x = Tensor<float>::normal({rows, features}, Random(1));
  const auto weight = Tensor<float>::ones({features}), bias = Tensor<float>::ones({features});
  Tensor<float> y({rows, features}), mean({rows}), rstd({rows});
  bench::measure_elements(
      state, static_cast<double>(rows * features), static_cast<double>(16 * features), {1, 1, 1}, [&](Index n) {
        kernels::layer_norm_forward<float>({x.data(), {n / features, features}}, weight.data(), bias.data(), 1e-5f,
                                           mean.data(), rstd.data(), {y.data(), {n / features, features}});
      });
}

void gelu(benchmark::State& state, Index size) {
  const auto x = Tensor<float>::normal({size}, Random(1));
  Tensor<float> y({size});
  bench::measure_elements(state, static_cast<double>(size), 2048, {1, 1, 1}, [&](Index n) {
    kernels::activation_forward<float>(heed::Activation::gelu, n, x.data(), y.data());
  });
}

void adam_step(benchmark::State& state, Index size) {
  Tensor<float> p({size}), m({size}), v({size});
  auto g = Tensor<float>::normal({size}, Random(1));
  const kernels::AdamStep<float> step(1e-3, 0.9, 0.999, 1e-8, 0, false, 1);
  bench::measure_elements(state, static_cast<double>(size), 1024, {4, 4, 0},
                          [&](Index n) { kernels::adam<float>(step, n, p.data(), g.data(), m.data(), v.data()); });
}

#define HEED_CASE(name, ...) BENCHMARK_CAPTURE(__VA_ARGS__)->Name(name)->UseManualTime()->Unit(benchmark::kMillisecond)
HEED_CASE("softmax_rows_25600x200", softmax_rows, small, 25600, 200);
HEED_CASE("softmax_rows_167936x200", softmax_rows, large, 167936, 200);
HEED_CASE("layer_norm_25600x64", layer_norm, small, 25600, 64);
HEED_CASE("layer_norm_524288x64", layer_norm, large, 524288, 64);
HEED_CASE("gelu_25600x256", gelu, small, 25600 * 256);
HEED_CASE("gelu_32m", gelu, large, Index{1} << 25);
HEED_CASE("adam_step_1m", adam_step, small, 1000000);
HEED_CASE("adam_step_32m", adam_step, large, Index{1} << 25);

}  // namespace
