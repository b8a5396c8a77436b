// SPDX-License-Identifier: Apache-2.0
// A matrix transposed through registers, a square block at a time.
#pragma once

#include "heed/core/view.hpp"
#include "heed/simd/transpose.hpp"

namespace heed::inline HEED_ABI::kernels {

/// out [N, M] = in^T, in [M, N]. Any row strides; no overlap. For A B^T, transpose B into scratch and call `gemm`: one
/// transpose serves any number of rows.
template <class Scalar, class Isa = simd::NativeIsa>
void transpose(MatrixView<const Scalar> in, MatrixView<Scalar> out) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index i = 0; i < in.rows(); i += P::width) {
    const Index rows = in.rows() - i < P::width ? in.rows() - i : P::width;
    simd::for_each_pack<P>(in.cols(), [&](Index j, Index cols) {
      P x[P::width];
      const Scalar* from = in.row(i) + j;
      Scalar* to = out.row(j) + i;
      if (rows == P::width && cols == P::width) {
#pragma GCC unroll 16
        for (Index r = 0; r < P::width; ++r) x[r] = P::load(from + r * in.row_stride());
        simd::transpose(x);
#pragma GCC unroll 16
        for (Index c = 0; c < P::width; ++c) x[c].store(to + c * out.row_stride());
      } else {
        for (Index c = 0; c < cols; ++c) {
          for (Index r = 0; r < rows; ++r) to[c * out.row_stride() + r] = from[r * in.row_stride() + c];
        }
      }
    });
  }
}

}  // namespace heed::inline HEED_ABI::kernels
