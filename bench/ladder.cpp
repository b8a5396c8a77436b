// SPDX-License-Identifier: Apache-2.0
// Steps from the definition of a kernel to its optimised form, each timed and compared with the definition in double
// precision. Prints the tables of docs/kernels.md.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "heed/core/tensor.hpp"
#include "heed/kernels/activation.hpp"
#include "heed/kernels/attention.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/layer_norm.hpp"
#include "heed/kernels/reference/activation.hpp"
#include "heed/kernels/reference/attention.hpp"
#include "heed/kernels/reference/gemm.hpp"
#include "heed/kernels/reference/layer_norm.hpp"
#include "heed/kernels/softmax_row.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

Tensor<double> to_double(const Tensor<float>& x) {
  Tensor<double> out(x.shape());
  for (Index i = 0; i < x.size(); ++i) out.data()[i] = static_cast<double>(x.data()[i]);
  return out;
}

/// The table of one kernel. The first rung is the definition, with which all others are compared.
class Ladder {
 public:
  /// `work` is in FLOPs if `flops`, and in elements otherwise.
  Ladder(const char* name, const char* what, double work, bool flops) : work_(work), flops_(flops) {
    std::printf("## %s\n%s\n\n| rung | time, us | %s | speedup over the definition | largest error |\n", name, what,
                flops ? "GFLOP/s | share of FMA peak" : "elements per ns");
    std::printf("| --- | %s---: | ---: | ---: | ---: |\n", flops ? "---: | " : "");
  }

  template <class Run>
  void definition(const Tensor<double>& out, Run&& run) {
    first_ = rung("definition, scalar, double", 0.0, run);
    expected_ = out;
  }

  /// `run` writes `out`; the error is relative to the largest element.
  template <class Run>
  void rung(const char* name, const Tensor<float>& out, Run&& run) {
    run();
    double error = 0, most = 0;
    for (Index i = 0; i < out.size(); ++i) {
      error = std::max(error, std::abs(static_cast<double>(out.data()[i]) - expected_.data()[i]));
      most = std::max(most, std::abs(expected_.data()[i]));
    }
    rung(name, error / most, run);
  }

 private:
  template <class Run>
  double rung(const char* name, double error, Run&& run) {
    double best = 1e300, total = 0;
    for (int runs = 0; runs < 3 || total < 0.2; ++runs) {
      const auto start = bench::Clock::now();
      run();
      const double took = bench::seconds_since(start);
      best = std::min(best, took);
      total += took;
    }
    const double rate = work_ / best, microseconds = best * 1e6;
    std::printf("| %s | %.*f | ", name, microseconds < 100 ? 1 : 0, microseconds);
    if (flops_) {
      std::printf("%.1f | %.0f %%", rate * 1e-9, 100 * rate / bench::machine().flops);
    } else {
      std::printf("%.2f", rate * 1e-9);
    }
    std::printf(" | %.3g x | %.1e |\n", first_ > 0 ? first_ / best : 1.0, error);
    std::fflush(stdout);
    return best;
  }

  double work_, first_ = 0;
  bool flops_;
  Tensor<double> expected_;
};

/// Adds the same kernel for each register width.
template <class Add>
void every_width(const Add& add) {
  add.template operator()<simd::Generic<16>>("16-byte registers");
#ifdef HEED_AVX2
  add.template operator()<simd::Avx2>("32-byte registers (AVX2)");
#endif
#ifdef HEED_AVX512
  add.template operator()<simd::Avx512>("64-byte registers (AVX-512)");
#endif
}

void gemm_ladder() {
  constexpr Index M = 6400, N = 256, K = 64;
  const auto a = Tensor<float>::normal({M, K}, Random(1)), b = Tensor<float>::normal({K, N}, Random(2));
  const auto bias = Tensor<float>::normal({N}, Random(3));
  const auto a_double = to_double(a), b_double = to_double(b), bias_double = to_double(bias);
  Tensor<float> c({M, N});
  Tensor<double> expected({M, N});

  Ladder ladder("gemm", "C [6400, 256] = relu(A [6400, 64] B + bias), as in a linear layer; 2 M N K FLOP.",
                2.0 * M * N * K, true);
  ladder.definition(expected, [&] {
    kernels::reference::gemm(a_double, b_double, bias_double.data(), expected.view());
    for (Index i = 0; i < expected.size(); ++i) {
      expected.data()[i] = kernels::reference::activation(Activation::relu, expected.data()[i]);
    }
  });
  using P = simd::Pack<float>;
  ladder.rung("Pack: one register of a row at a time", c, [&] {
    for (Index m = 0; m < M; ++m) {
      simd::for_each_pack<P>(N, [&](Index n, Index count) {
        P sum = simd::load<P>(bias.data() + n, count);
        for (Index k = 0; k < K; ++k) sum = fma(P(a(m, k)), simd::load<P>(b.data() + k * N + n, count), sum);
        simd::store(max(sum, P(0.0f)), c.data() + m * N + n, count);
      });
    }
  });
  ladder.rung("tiled; bias and relu in separate passes", c, [&] {
    kernels::gemm<float>(a, b, c);
    for (Index m = 0; m < M; ++m) {
      float* row = c.data() + m * N;
      simd::for_each_pack<P>(N, [&](Index n, Index count) {
        simd::store(simd::load<P>(row + n, count) + simd::load<P>(bias.data() + n, count), row + n, count);
      });
    }
    kernels::activation_forward<float>(Activation::relu, c.size(), c.data(), c.data());
  });
  every_width([&]<class Isa>(const char* registers) {
    const std::string name = std::string("tiled, bias and relu fused, ") + registers;
    ladder.rung(name.c_str(), c,
                [&] { kernels::gemm<float, Isa>(a, b, c, {.bias = bias.data(), .activation = Activation::relu}); });
  });
}

void attention_ladder() {
  constexpr Index T = 512, d = 64;
  const auto q = Tensor<float>::normal({T, d}, Random(1)), k = Tensor<float>::normal({T, d}, Random(2)),
             v = Tensor<float>::normal({T, d}, Random(3));
  const auto q_double = to_double(q), k_double = to_double(k), v_double = to_double(v);
  const float scale = 1 / std::sqrt(static_cast<float>(d));
  Tensor<float> context({T, d}), scores({T, T}), k_transposed({d, T});
  Tensor<double> expected({T, d}), mask({T, T}), weights({T, T});
  for (Index i = 0; i < T; ++i) {
    for (Index j = i + 1; j < T; ++j) mask(i, j) = -INFINITY;
  }

  Ladder ladder("attention", "Causal, one head, 512 queries and keys of width 64, forward; 4 d FLOP per visible pair.",
                4.0 * d * T * (T + 1) / 2, true);
  const auto keep_all = Tensor<double>::ones({T, T});
  ladder.definition(expected, [&] {
    kernels::reference::attention(q_double, k_double, v_double, 1 / std::sqrt(static_cast<double>(d)), mask, keep_all,
                                  weights.view(), expected.view());
  });
  ladder.rung("three kernels: gemm, softmax, gemm; all pairs, T x T stored", context, [&] {
    kernels::transpose<float>(k, k_transposed);
    kernels::gemm<float>(q, k_transposed, scores);
    for (Index i = 0; i < T; ++i) {
      float* row = scores.data() + i * T;
      for (Index j = 0; j < T; ++j) row[j] = j <= i ? row[j] * scale : -INFINITY;
      kernels::softmax_row<float>(T, row, row);
    }
    kernels::gemm<float>(scores, v, context);
  });
  std::vector<float> log_sums(T), scratch(std::size_t{1} << 22);
  every_width([&]<class Isa>(const char* registers) {
    const std::string name = std::string("fused, hidden tiles skipped, ") + registers;
    ladder.rung(name.c_str(), context, [&] {
      const kernels::AttentionUnit<float> unit{
          .q = q, .k = k, .v = v, .mask = {.causal = true}, .scale = scale, .log_sums = log_sums.data()};
      kernels::attention_forward<float, Isa>(unit, context, nullptr, scratch.data());
    });
  });
}

void softmax_ladder() {
  constexpr Index rows = 256, cols = 200;
  const auto x = Tensor<float>::normal({rows, cols}, Random(1));
  const auto x_double = to_double(x);
  Tensor<float> y(x.shape());
  Tensor<double> expected(x.shape());
  Ladder ladder("softmax", "256 rows of 200.", rows * cols, false);
  ladder.definition(expected, [&] {
    for (Index i = 0; i < rows; ++i) {
      kernels::reference::softmax_row(cols, x_double.data() + i * cols, expected.data() + i * cols);
    }
  });
  every_width([&]<class Isa>(const char* registers) {
    ladder.rung(registers, y, [&] {
      for (Index i = 0; i < rows; ++i) kernels::softmax_row<float, Isa>(cols, x.data() + i * cols, y.data() + i * cols);
    });
  });
}

void layer_norm_ladder() {
  constexpr Index rows = 1024, cols = 64;
  const auto x = Tensor<float>::normal({rows, cols}, Random(1)), weight = Tensor<float>::normal({cols}, Random(2)),
             bias = Tensor<float>::normal({cols}, Random(3));
  const auto x_double = to_double(x), weight_double = to_double(weight), bias_double = to_double(bias);
  Tensor<float> y(x.shape()), mean({rows}), rstd({rows});
  Tensor<double> expected(x.shape());
  Ladder ladder("layer_norm", "1,024 rows of 64.", rows * cols, false);
  ladder.definition(expected, [&] {
    kernels::reference::layer_norm(x_double, weight_double.data(), bias_double.data(), 1e-5, expected.view());
  });
  every_width([&]<class Isa>(const char* registers) {
    ladder.rung(registers, y, [&] {
      kernels::layer_norm_forward<float, Isa>(x, weight.data(), bias.data(), 1e-5f, mean.data(), rstd.data(), y);
    });
  });
}

void gelu_ladder() {
  const auto x = Tensor<float>::normal({1024, 64}, Random(1), 2.0f);
  const auto x_double = to_double(x);
  Tensor<float> y(x.shape());
  Tensor<double> expected(x.shape());
  Ladder ladder("gelu", "65,536 elements, exact GELU (erfc).", static_cast<double>(x.size()), false);
  ladder.definition(expected, [&] {
    for (Index i = 0; i < x.size(); ++i) {
      expected.data()[i] = kernels::reference::activation(Activation::gelu, x_double.data()[i]);
    }
  });
  every_width([&]<class Isa>(const char* registers) {
    ladder.rung(registers, y,
                [&] { kernels::activation_forward<float, Isa>(Activation::gelu, x.size(), x.data(), y.data()); });
  });
}

}  // namespace

int main() {
  gemm_ladder();
  attention_ladder();
  softmax_ladder();
  layer_norm_ladder();
  gelu_ladder();
}
