// SPDX-License-Identifier: Apache-2.0
// Rows moved between arrays of any strides. A row stride of 0 on the way in repeats one row.
#pragma once

#include <cstring>

#include "heed/core/view.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// out(i, j) = in(i, j)
template <class Scalar>
void copy_rows(MatrixView<const Scalar> in, MatrixView<Scalar> out) noexcept {
  if (out.size() == 0) return;
  for (Index i = 0; i < out.rows(); ++i) {
    std::memcpy(out.row(i), in.row(i), static_cast<std::size_t>(out.cols()) * sizeof(Scalar));
  }
}

/// out(i, j) += factor * in(i, j)
template <class Scalar, class Isa = simd::NativeIsa>
void add_rows(MatrixView<const Scalar> in, MatrixView<Scalar> out, Scalar factor = 1) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index i = 0; i < out.rows(); ++i) {
    const Scalar* from = in.row(i);
    Scalar* to = out.row(i);
    simd::for_each_pack<P>(out.cols(), [&](Index j, Index n) {
      simd::store(fma(P(factor), simd::load<P>(from + j, n), simd::load<P>(to + j, n)), to + j, n);
    });
  }
}

}  // namespace heed::inline HEED_ABI::kernels
