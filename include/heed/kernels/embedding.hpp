// SPDX-License-Identifier: Apache-2.0
// Lookup of table rows by index, and its backward pass. An index of -1 stands for a row of zeros.
#pragma once

#include <cstring>

#include "heed/core/view.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// y(i, :) = table(indices[i], :), i in 0 .. y.rows() - 1.
template <class Scalar>
void embedding_forward(MatrixView<const Scalar> table, const Index* indices, MatrixView<Scalar> y) noexcept {
  const auto bytes = static_cast<std::size_t>(y.cols()) * sizeof(Scalar);
  if (bytes == 0) return;
  for (Index i = 0; i < y.rows(); ++i) {
    if (indices[i] >= 0) {
      std::memcpy(y.row(i), table.row(indices[i]), bytes);
    } else {
      std::memset(y.row(i), 0, bytes);
    }
  }
}

/// dtable(indices[i], :) += dy(i, :) for i in ascending order, which fixes the order of summation. To run in parallel,
/// give each worker the same columns of both arrays: blocks of columns are independent.
template <class Scalar, class Isa = simd::NativeIsa>
void embedding_backward(MatrixView<const Scalar> dy, const Index* indices, MatrixView<Scalar> dtable) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index i = 0; i < dy.rows(); ++i) {
    if (indices[i] < 0) continue;
    const Scalar* from = dy.row(i);
    Scalar* to = dtable.row(indices[i]);
    simd::for_each_pack<P>(dy.cols(), [&](Index j, Index n) {
      simd::store(simd::load<P>(to + j, n) + simd::load<P>(from + j, n), to + j, n);
    });
  }
}

}  // namespace heed::inline HEED_ABI::kernels
