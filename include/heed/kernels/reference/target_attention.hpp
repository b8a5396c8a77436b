// SPDX-License-Identifier: Apache-2.0
// Target attention of one sequence, directly from its definition.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "heed/core/view.hpp"
#include "heed/kernels/reference/activation.hpp"
#include "heed/kernels/reference/attention.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// A layer of the MLP and, if requested, its gradients.
struct TargetLayer {
  TensorView<const double> weight;  ///< [out, in]
  const double* bias;               ///< [out]
  double* d_weight = nullptr;
  double* d_bias = nullptr;
};

/// The MLP on one pair: z_l = W_l x_l + b_l, x_0 = [q, k, q - k, q * k], x_l+1 = activation(z_l).
struct TargetPair {
  std::vector<std::vector<double>> x, z;

  TargetPair(Index width, const double* q, const double* k, std::span<const TargetLayer> layers, Activation kind) {
    std::vector<double> in(q, q + width);
    in.insert(in.end(), k, k + width);
    for (Index c = 0; c < width; ++c) in.push_back(q[c] - k[c]);
    for (Index c = 0; c < width; ++c) in.push_back(q[c] * k[c]);
    for (const TargetLayer& layer : layers) {
      x.push_back(in);
      z.emplace_back();
      for (Index r = 0; r < layer.weight.rows(); ++r) {
        double sum = layer.bias[r];
        for (std::size_t c = 0; c < in.size(); ++c) sum += layer.weight(r, static_cast<Index>(c)) * in[c];
        z.back().push_back(sum);
      }
      in = z.back();
      for (double& value : in) value = activation(kind, value);
    }
  }
  double score() const { return z.back()[0]; }

  /// Returns the gradient of x_0 given ds, and adds to the layers' gradients.
  std::vector<double> back(double ds, std::span<const TargetLayer> layers, Activation kind) const {
    std::vector<double> dz = {ds};
    for (std::size_t l = layers.size(); l-- > 0;) {
      std::vector<double> dx(x[l].size());
      for (std::size_t r = 0; r < dz.size(); ++r) {
        layers[l].d_bias[r] += dz[r];
        for (std::size_t c = 0; c < dx.size(); ++c) {
          layers[l].d_weight[r * dx.size() + c] += dz[r] * x[l][c];
          dx[c] += dz[r] * layers[l].weight(static_cast<Index>(r), static_cast<Index>(c));
        }
      }
      for (std::size_t c = 0; l > 0 && c < dx.size(); ++c) dx[c] *= activation_slope(kind, z[l - 1][c]);
      dz = dx;
    }
    return dz;
  }
};

/// s_ij = MLP([q_i, k_j, q_i - k_j, q_i * k_j]) + mask_ij,  p_i = s_i, or its softmax, over the j with
/// mask_ij > -infinity, elsewhere 0,  context_i = sum_j p_ij v_j. `mask` and `weights` (p) are [queries, keys].
inline void target_attention(TensorView<const double> q, TensorView<const double> k, TensorView<const double> v,
                             std::span<const TargetLayer> layers, Activation kind, bool softmax,
                             TensorView<const double> mask, TensorView<double> weights, TensorView<double> context) {
  const double hidden = -std::numeric_limits<double>::infinity();
  for (Index i = 0; i < q.rows(); ++i) {
    std::vector<double> s;
    for (Index j = 0; j < k.rows(); ++j) {
      const bool sees = mask(i, j) != hidden;
      s.push_back(sees ? TargetPair(q.cols(), q.row(i), k.row(j), layers, kind).score() + mask(i, j) : hidden);
      weights(i, j) = sees ? s.back() : 0.0;
    }
    if (softmax) softmax_row(k.rows(), s.data(), weights.row(i));
  }
  contexts(mask, weights, v, context);
}

/// dp_ij = dcontext_i . v_j + dweights_ij,  ds_ij = dp_ij or, with softmax, p_ij (dp_ij - sum_k p_ik dp_ik), over the
/// visible pairs; then the MLP's gradients and, with [a, b, c, d] the gradient of its input,
/// dq_i = sum_j a + c + d * k_j,  dk_j = sum_i b - c + d * q_i,  dv_j = sum_i p_ij dcontext_i. Adds to its outputs.
inline void target_attention_backward(TensorView<const double> q, TensorView<const double> k,
                                      TensorView<const double> v, std::span<const TargetLayer> layers, Activation kind,
                                      bool softmax, TensorView<const double> mask, TensorView<const double> p,
                                      TensorView<const double> dcontext, TensorView<const double> dweights,
                                      TensorView<double> dq, TensorView<double> dk, TensorView<double> dv) {
  const double hidden = -std::numeric_limits<double>::infinity();
  const auto width = static_cast<std::size_t>(q.cols());
  for (Index i = 0; i < q.rows(); ++i) {
    const auto dp = [&](Index j) { return dot_rows(dcontext, i, v, j) + dweights(i, j); };
    double mean = 0;
    for (Index j = 0; j < k.rows(); ++j) mean += mask(i, j) == hidden ? 0.0 : p(i, j) * dp(j);
    for (Index j = 0; j < k.rows(); ++j) {
      if (mask(i, j) == hidden) continue;
      const double ds = softmax ? p(i, j) * (dp(j) - mean) : dp(j);
      const auto d = TargetPair(q.cols(), q.row(i), k.row(j), layers, kind).back(ds, layers, kind);
      for (std::size_t e = 0; e < width; ++e) {
        const auto c = static_cast<Index>(e);
        dq(i, c) += d[e] + d[2 * width + e] + d[3 * width + e] * k(j, c);
        dk(j, c) += d[width + e] - d[2 * width + e] + d[3 * width + e] * q(i, c);
      }
      for (Index c = 0; c < v.cols(); ++c) dv(j, c) += p(i, j) * dcontext(i, c);
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
