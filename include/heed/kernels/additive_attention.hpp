// SPDX-License-Identifier: Apache-2.0
// Additive attention of one sequence, forward and backward (Bahdanau et al. 2015):
//
//   s_ij = w . tanh(q_i + k_j)     p_i = softmax over the visible j     context_i = sum_j p_ij v_j
//
// with q and k already projected. Only one query's tanh values exist at a time.
#pragma once

#include <algorithm>

#include "heed/kernels/attention.hpp"
#include "heed/kernels/reduce.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Scratch in elements for one worker.
inline Index additive_attention_scratch(Index keys, Index width) { return keys * (width + 2); }

namespace detail {

/// tanh(q_i + k_j) for the visible keys of query i into `t`, their scores into `s`, the others at -infinity.
template <class Scalar, class Isa>
inline void additive_scores(const AttentionUnit<Scalar>& u, const Scalar* w, Index i, Index end, Scalar* t, Scalar* s) {
  using P = simd::Pack<Scalar, Isa>;
  const Index width = u.q.cols();
  const Scalar* q = u.q.row(i);
  for (Index j = 0; j < end; ++j) {
    if (u.mask.per_pair() && !u.visible(i, j)) {
      s[j] = -std::numeric_limits<Scalar>::infinity();
      continue;
    }
    const Scalar* k = u.k.row(j);
    Scalar* tj = t + j * width;
    P total(Scalar(0));
    simd::for_each_pack<P>(width, [&](Index c, Index n) {
      const P x = tanh(simd::load<P>(q + c, n) + simd::load<P>(k + c, n));
      simd::store(x, tj + c, n);
      total = fma(simd::load<P>(w + c, n), x, total);
    });
    s[j] = reduce_sum(total);
    if (u.mask.additive != nullptr) s[j] += u.mask.additive[u.mask.at(u.segment, i, j)];
  }
}

}  // namespace detail

/// `w` is [width]. context [queries, width of v] is overwritten; `weights`, if not null, gets [queries, keys].
template <class Scalar, class Isa = simd::NativeIsa>
void additive_attention_forward(const AttentionUnit<Scalar>& u, const Scalar* w, TensorView<Scalar> context,
                                Scalar* weights, Scalar* scratch) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index keys = u.keys(), width = u.v.cols();
  Scalar* p = scratch;
  Scalar* t = p + keys;
  for (Index i = 0; i < u.queries(); ++i) {
    const Index end = u.key_end(i);
    detail::additive_scores<Scalar, Isa>(u, w, i, end, t, p);
    u.log_sums[i] = softmax_row<Scalar, Isa>(end, p, p);
    Scalar* out = context.row(i);
    std::fill_n(out, width, Scalar(0));
    for (Index j = 0; j < end; ++j) {
      if (p[j] == Scalar(0)) continue;  // hidden, or without influence
      const Scalar* v = u.v.row(j);
      simd::for_each_pack<P>(width, [&](Index c, Index n) {
        simd::store(fma(P(p[j]), simd::load<P>(v + c, n), simd::load<P>(out + c, n)), out + c, n);
      });
    }
    if (weights != nullptr) {
      std::copy_n(p, end, weights + i * keys);
      std::fill(weights + i * keys + end, weights + (i + 1) * keys, Scalar(0));
    }
  }
}

/// Adds to dq, dk, dv (each may be empty) and to dw [width] (may be null).
template <class Scalar, class Isa = simd::NativeIsa>
void additive_attention_backward(const AttentionUnit<Scalar>& u, const Scalar* w, TensorView<const Scalar> d_context,
                                 const Scalar* d_weights, TensorView<Scalar> dq, TensorView<Scalar> dk,
                                 TensorView<Scalar> dv, Scalar* dw, Scalar* scratch) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index keys = u.keys(), width = u.q.cols(), depth = u.v.cols();
  Scalar* p = scratch;
  Scalar* dp = p + keys;
  Scalar* t = dp + keys;
  const P one(Scalar(1));
  for (Index i = 0; i < u.queries(); ++i) {
    const Index end = u.key_end(i);
    detail::additive_scores<Scalar, Isa>(u, w, i, end, t, p);
    exp_row<Scalar, Isa>(end, p, u.log_sums[i]);
    const Scalar* d_out = d_context.row(i);
    Scalar mean = 0;
    for (Index j = 0; j < end; ++j) {
      if (p[j] == Scalar(0)) continue;
      dp[j] = dot<Scalar, Isa>(depth, d_out, u.v.row(j));
      if (d_weights != nullptr) dp[j] += d_weights[i * keys + j];
      mean += p[j] * dp[j];
    }
    for (Index j = 0; j < end; ++j) {
      if (p[j] == Scalar(0)) continue;
      const P ds(p[j] * (dp[j] - mean));
      const Scalar* tj = t + j * width;
      simd::for_each_pack<P>(width, [&](Index c, Index n) {
        const P x = simd::load<P>(tj + c, n);
        const P dx = ds * simd::load<P>(w + c, n) * (one - x * x);
        if (dq) simd::store(simd::load<P>(dq.row(i) + c, n) + dx, dq.row(i) + c, n);
        if (dk) simd::store(simd::load<P>(dk.row(j) + c, n) + dx, dk.row(j) + c, n);
        if (dw != nullptr) simd::store(fma(ds, x, simd::load<P>(dw + c, n)), dw + c, n);
      });
      if (dv) {
        simd::for_each_pack<P>(depth, [&](Index c, Index n) {
          simd::store(fma(P(p[j]), simd::load<P>(d_out + c, n), simd::load<P>(dv.row(j) + c, n)), dv.row(j) + c, n);
        });
      }
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels
