// SPDX-License-Identifier: Apache-2.0
// Copies or adds rows between arrays of any strides. An input with a row stride of 0 repeats one row.
#pragma once

#include <cstring>

#include "heed/core/view.hpp"
#include "heed/kernels/scale.hpp"

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
  for (Index i = 0; i < out.rows(); ++i) add_scaled<Scalar, Isa>(out.cols(), in.row(i), factor, out.row(i));
}

}  // namespace heed::inline HEED_ABI::kernels
