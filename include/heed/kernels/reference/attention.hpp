// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention of one sequence and one head, directly from its definition.
#pragma once

#include <algorithm>
#include <vector>

#include "heed/core/round.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/reference/dropout.hpp"
#include "heed/kernels/reference/pointer_mass.hpp"
#include "heed/kernels/reference/softmax_row.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

inline double dot_rows(TensorView<const double> a, Index i, TensorView<const double> b, Index j) {
  double sum = 0;
  for (Index c = 0; c < a.cols(); ++c) sum += a(i, c) * b(j, c);
  return sum;
}

/// context_i = sum_j w_ij v_j, over the j with mask_ij > -infinity.
inline void contexts(TensorView<const double> mask, TensorView<const double> weights, TensorView<const double> v,
                     TensorView<double> context) {
  const double hidden = -std::numeric_limits<double>::infinity();
  for (Index i = 0; i < context.rows(); ++i) {
    for (Index c = 0; c < v.cols(); ++c) {
      context(i, c) = 0;
      for (Index j = 0; j < v.rows(); ++j) context(i, c) += mask(i, j) == hidden ? 0.0 : weights(i, j) * v(j, c);
    }
  }
}

/// Calls pair(i, j, p_ij (dp_ij - sum_k p_ik dp_ik)) for the pairs with p_ij != 0, where dp_ij = dp(i, j).
template <class DP, class Pair>
void softmax_gradients(TensorView<const double> p, const DP& dp, const Pair& pair) {
  for (Index i = 0; i < p.rows(); ++i) {
    double mean = 0;
    for (Index j = 0; j < p.cols(); ++j) mean += p(i, j) == 0 ? 0.0 : p(i, j) * dp(i, j);
    for (Index j = 0; j < p.cols(); ++j) {
      if (p(i, j) != 0) pair(i, j, p(i, j) * (dp(i, j) - mean));
    }
  }
}

/// s_ij = scale q_i . k_j + mask_ij,  p_i = softmax of s_i over the j with mask_ij > -infinity,  w_ij = drop_ij p_ij,
/// context_i = sum_j w_ij v_j. `mask`, `drop` (0 or 1 / keep) and `weights` are [queries, keys].
inline void attention(TensorView<const double> q, TensorView<const double> k, TensorView<const double> v, double scale,
                      TensorView<const double> mask, TensorView<const double> drop, TensorView<double> weights,
                      TensorView<double> context) {
  const double hidden = -std::numeric_limits<double>::infinity();
  const Index keys = k.rows();
  std::vector<double> s(static_cast<std::size_t>(keys));
  for (Index i = 0; i < q.rows(); ++i) {
    for (Index j = 0; j < keys; ++j) {
      s[static_cast<std::size_t>(j)] = mask(i, j) == hidden ? hidden : scale * dot_rows(q, i, k, j) + mask(i, j);
    }
    softmax_row(keys, s.data(), weights.row(i));
    for (Index j = 0; j < keys; ++j) weights(i, j) *= drop(i, j);
  }
  contexts(mask, weights, v, context);
}

/// drop_ij is the factor of element 16 n_i + j of the stream, where n_i is the number of words of the queries before i:
/// each has one per 16 of its first `key_end(i)` keys, rounded up. `drop` is [queries, keys].
template <class KeyEnd>
void attention_dropout(Random random, double keep, const KeyEnd& key_end, TensorView<double> drop) {
  Index words = 0;
  for (Index i = 0; i < drop.rows(); ++i) {
    for (Index j = 0; j < drop.cols(); ++j) {
      drop(i, j) = dropout_factor(random, static_cast<std::uint64_t>(16 * words + j), keep);
    }
    words += ceil_divide(std::max<Index>(0, key_end(i)), 16);
  }
}

/// mass_i = sum of the weights w_ij over the keys j that hold query i's item; `weights` [queries, keys].
inline void attention_mass(TensorView<const double> weights, std::span<const Index> key_items,
                           std::span<const Index> query_items, double* mass) {
  for (Index i = 0; i < weights.rows(); ++i) {
    mass[i] = pointer_mass({weights.row(i), key_items.size()}, key_items, query_items[static_cast<std::size_t>(i)]);
  }
}

/// dweights_ij += dmass_i where key j holds query i's item; `attention_backward` does the rest.
inline void attention_mass_backward(std::span<const Index> key_items, std::span<const Index> query_items,
                                    const double* dmass, TensorView<double> dweights) {
  for (Index i = 0; i < dweights.rows(); ++i) {
    for (Index j = 0; j < dweights.cols(); ++j) {
      const bool same = key_items[static_cast<std::size_t>(j)] == query_items[static_cast<std::size_t>(i)];
      dweights(i, j) += same ? dmass[i] : 0.0;
    }
  }
}

/// With p as above:  dw_ij = dcontext_i . v_j + dweights_ij,  dp_ij = drop_ij dw_ij,
/// ds_ij = p_ij (dp_ij - sum_k p_ik dp_ik),  dq_i = scale sum_j ds_ij k_j,  dk_j = scale sum_i ds_ij q_i,
/// dv_j = sum_i drop_ij p_ij dcontext_i. Adds to dq, dk and dv. `p` are the weights without dropout.
inline void attention_backward(TensorView<const double> q, TensorView<const double> k, TensorView<const double> v,
                               double scale, TensorView<const double> p, TensorView<const double> drop,
                               TensorView<const double> dcontext, TensorView<const double> dweights,
                               TensorView<double> dq, TensorView<double> dk, TensorView<double> dv) {
  const auto dp = [&](Index i, Index j) { return drop(i, j) * (dot_rows(dcontext, i, v, j) + dweights(i, j)); };
  softmax_gradients(p, dp, [&](Index i, Index j, double ds) {
    for (Index c = 0; c < q.cols(); ++c) dq(i, c) += scale * ds * k(j, c);
    for (Index c = 0; c < q.cols(); ++c) dk(j, c) += scale * ds * q(i, c);
    for (Index c = 0; c < v.cols(); ++c) dv(j, c) += drop(i, j) * p(i, j) * dcontext(i, c);
  });
}

}  // namespace heed::inline HEED_ABI::kernels::reference
