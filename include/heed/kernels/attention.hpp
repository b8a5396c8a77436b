// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention of one sequence and one head, forward and backward (Vaswani et al. 2017):
//
//   s_ij = scale q_i . k_j + additive_ij     p_i = softmax over the visible j     context_i = sum_j p_ij v_j
//
// Works on tiles of queries and keys: no [queries, keys] array is ever stored, nor a query's row of it. Tiles that the
// mask hides are skipped. In the others a hidden pair has weight 0, and where a key's or a query's numbers are not all
// finite it is not multiplied: what stands there, NaN included, has no influence.
#pragma once

#include "heed/kernels/detail/attention_backward.hpp"
#include "heed/kernels/detail/attention_forward.hpp"
#include "heed/kernels/softmax_row.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Scratch in elements for `attention_forward` and `attention_backward`; `width` of q and k, `depth` of v.
template <class Scalar, class Isa = simd::NativeIsa>
Index attention_scratch(Index queries, Index keys, Index width, Index depth) {
  return std::max(detail::AttentionForward<Scalar, Isa>::scratch(keys, width, depth),
                  detail::AttentionBackward<Scalar, Isa>::scratch(queries, width, depth));
}

/// context [queries, width of v] is overwritten; `weights`, if not null, gets [queries, keys] (after dropout), and the
/// unit's `mass`, if there is one, is overwritten without them.
template <class Scalar, class Isa = simd::NativeIsa>
void attention_forward(const AttentionUnit<Scalar>& u, MatrixView<Scalar> context, Scalar* weights,
                       Scalar* scratch) noexcept {
  detail::AttentionForward<Scalar, Isa>(u, context, weights, scratch).run();
}

/// Adds to dq, dk, dv (each may be empty), given `context` and, with d_weights, `weights` of the forward pass; with
/// d_mass, the unit's `mass` as well.
template <class Scalar, class Isa = simd::NativeIsa>
void attention_backward(const AttentionUnit<Scalar>& u, const AttentionCotangents<Scalar>& given, MatrixView<Scalar> dq,
                        MatrixView<Scalar> dk, MatrixView<Scalar> dv, Scalar* scratch) noexcept {
  detail::AttentionBackward<Scalar, Isa>(u, given, dq, dk, dv, scratch).run();
}

}  // namespace heed::inline HEED_ABI::kernels
