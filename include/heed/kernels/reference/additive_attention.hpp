// SPDX-License-Identifier: Apache-2.0
// Additive attention of one sequence, directly from its definition.
#pragma once

#include <vector>

#include "heed/core/view.hpp"
#include "heed/kernels/reference/attention.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// s_ij = sum_c w_c tanh(q_ic + k_jc) + mask_ij,  p_i = softmax of s_i over the j with mask_ij > -infinity,
/// context_i = sum_j p_ij v_j. `mask` and `weights` (p) are [queries, keys].
inline void additive_attention(TensorView<const double> q, TensorView<const double> k, TensorView<const double> v,
                               const double* w, TensorView<const double> mask, TensorView<double> weights,
                               TensorView<double> context) {
  const double hidden = -std::numeric_limits<double>::infinity();
  std::vector<double> s(static_cast<std::size_t>(k.rows()));
  for (Index i = 0; i < q.rows(); ++i) {
    for (Index j = 0; j < k.rows(); ++j) {
      double score = mask(i, j);
      for (Index c = 0; c < q.cols() && mask(i, j) != hidden; ++c) score += w[c] * std::tanh(q(i, c) + k(j, c));
      s[static_cast<std::size_t>(j)] = score;
    }
    softmax_row(k.rows(), s.data(), weights.row(i));
  }
  contexts(mask, weights, v, context);
}

/// dp_ij = dcontext_i . v_j + dweights_ij,  ds_ij = p_ij (dp_ij - sum_k p_ik dp_ik),  t_ijc = tanh(q_ic + k_jc),
/// dq_ic = sum_j ds_ij w_c (1 - t_ijc^2),  dk_jc the same summed over i,  dw_c = sum_ij ds_ij t_ijc,
/// dv_j = sum_i p_ij dcontext_i. Adds to its outputs.
inline void additive_attention_backward(TensorView<const double> q, TensorView<const double> k,
                                        TensorView<const double> v, const double* w, TensorView<const double> p,
                                        TensorView<const double> dcontext, TensorView<const double> dweights,
                                        TensorView<double> dq, TensorView<double> dk, TensorView<double> dv,
                                        double* dw) {
  const auto dp = [&](Index i, Index j) { return dot_rows(dcontext, i, v, j) + dweights(i, j); };
  softmax_gradients(p, dp, [&](Index i, Index j, double ds) {
    for (Index c = 0; c < q.cols(); ++c) {
      const double t = std::tanh(q(i, c) + k(j, c));
      dq(i, c) += ds * w[c] * (1 - t * t);
      dk(j, c) += ds * w[c] * (1 - t * t);
      dw[c] += ds * t;
    }
    for (Index c = 0; c < v.cols(); ++c) dv(j, c) += p(i, j) * dcontext(i, c);
  });
}

}  // namespace heed::inline HEED_ABI::kernels::reference
