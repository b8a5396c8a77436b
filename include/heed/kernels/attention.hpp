// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention of one sequence and one head, forward and backward (Vaswani et al. 2017):
//
//   s_ij = scale q_i . k_j + additive_ij     p_i = softmax over the visible j     context_i = sum_j p_ij v_j
//
// Processes tiles of queries and keys: no [queries, keys] array, nor a whole row of it, is stored. Tiles that the mask
// hides are skipped. In the others a hidden pair has weight 0, and where the keys or queries are not all finite it is
// not multiplied: hidden values have no influence, even NaN.
#pragma once

#include "heed/kernels/detail/attention_backward.hpp"
#include "heed/kernels/detail/attention_forward.hpp"
#include "heed/kernels/softmax_row.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Returns the scratch size in elements for both passes; `width` is that of q and k, `depth` that of v.
template <class Scalar, class Isa = simd::NativeIsa>
Index attention_scratch(Index queries, Index keys, Index width, Index depth) {
  return std::max(detail::AttentionForward<Scalar, Isa>::scratch(keys, width, depth),
                  detail::AttentionBackward<Scalar, Isa>::scratch(queries, width, depth));
}

/// Overwrites context [queries, width of v]. `weights`, if not null, receives [queries, keys] (after dropout). The
/// unit's `mass`, unless empty, is overwritten, with or without `weights`.
template <class Scalar, class Isa = simd::NativeIsa>
void attention_forward(const AttentionUnit<Scalar>& u, MatrixView<Scalar> context, Scalar* weights,
                       Scalar* scratch) noexcept {
  detail::AttentionForward<Scalar, Isa>(u, context, weights, scratch).run();
}

/// Adds to dq, dk, dv (each may be empty). Requires `context` of the forward pass; with d_weights also its `weights`,
/// and with d_mass the unit's `mass`.
template <class Scalar, class Isa = simd::NativeIsa>
void attention_backward(const AttentionUnit<Scalar>& u, const AttentionCotangents<Scalar>& given, MatrixView<Scalar> dq,
                        MatrixView<Scalar> dk, MatrixView<Scalar> dv, Scalar* scratch) noexcept {
  detail::AttentionBackward<Scalar, Isa>(u, given, dq, dk, dv, scratch).run();
}

}  // namespace heed::inline HEED_ABI::kernels
