// SPDX-License-Identifier: Apache-2.0
// Pointwise aggregated attention of one sequence and one head, directly from its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "heed/kernels/reference/activation.hpp"
#include "heed/kernels/reference/attention.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// Returns the greatest b with 2^(b/2) <= t for an even b, 1.5 2^((b-1)/2) <= t for an odd one, where t = max(1,
/// |apart|); at most the last of the buckets.
inline Index time_bucket(double apart, Index buckets) {
  const double t = std::max(1.0, std::abs(apart)), octave = std::floor(std::log2(t));
  return std::min(static_cast<Index>(2 * octave) + (t >= 1.5 * std::exp2(octave) ? 1 : 0), buckets - 1);
}

/// Biases per distance and per time bucket; either may be empty. `times` is [tokens].
struct PointwiseBias {
  std::span<const double> position{}, time{}, times{};

  Index bucket(Index i, Index j) const {
    return time_bucket(times[static_cast<std::size_t>(i)] - times[static_cast<std::size_t>(j)],
                       static_cast<Index>(time.size()));
  }
  double operator()(Index i, Index j) const {
    return (position.empty() ? 0 : position[static_cast<std::size_t>(i - j)]) +
           (time.empty() ? 0 : time[static_cast<std::size_t>(bucket(i, j))]);
  }
};

/// s_ij = q_i . k_j + bias_ij,  w_ij = silu(s_ij) / (i + 1) for j <= i, else 0,  context_i = sum_j w_ij v_j. `weights`
/// [tokens, tokens] may be empty.
inline void pointwise_attention(TensorView<const double> q, TensorView<const double> k, TensorView<const double> v,
                                const PointwiseBias& bias, TensorView<double> context,
                                TensorView<double> weights = {}) {
  for (Index i = 0; i < q.rows(); ++i) {
    for (Index c = 0; c < v.cols(); ++c) context(i, c) = 0;
    for (Index j = 0; weights && j < q.rows(); ++j) weights(i, j) = 0;
    for (Index j = 0; j <= i; ++j) {
      const double weight =
          activation(Activation::silu, dot_rows(q, i, k, j) + bias(i, j)) / static_cast<double>(i + 1);
      if (weights) weights(i, j) = weight;
      for (Index c = 0; c < v.cols(); ++c) context(i, c) += weight * v(j, c);
    }
  }
}

/// ds_ij = silu'(s_ij) dcontext_i . v_j / (i + 1),  dq_i = sum_j ds_ij k_j,  dk_j = sum_i ds_ij q_i,
/// dv_j = sum_i silu(s_ij) dcontext_i / (i + 1), and dbias = sum of the ds it is added to. Adds to its outputs.
inline void pointwise_attention_backward(TensorView<const double> q, TensorView<const double> k,
                                         TensorView<const double> v, const PointwiseBias& bias,
                                         TensorView<const double> dcontext, TensorView<double> dq,
                                         TensorView<double> dk, TensorView<double> dv, std::span<double> dposition,
                                         std::span<double> dtime) {
  for (Index i = 0; i < q.rows(); ++i) {
    for (Index j = 0; j <= i; ++j) {
      const double s = dot_rows(q, i, k, j) + bias(i, j), n = static_cast<double>(i + 1);
      const double ds = activation_slope(Activation::silu, s) * dot_rows(dcontext, i, v, j) / n;
      for (Index c = 0; c < q.cols(); ++c) dq(i, c) += ds * k(j, c);
      for (Index c = 0; c < q.cols(); ++c) dk(j, c) += ds * q(i, c);
      for (Index c = 0; c < v.cols(); ++c) dv(j, c) += activation(Activation::silu, s) * dcontext(i, c) / n;
      if (!dposition.empty()) dposition[static_cast<std::size_t>(i - j)] += ds;
      if (!dtime.empty()) dtime[static_cast<std::size_t>(bias.bucket(i, j))] += ds;
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
