// SPDX-License-Identifier: Apache-2.0
// Finds NaN and infinity in an array.
#pragma once

#include <algorithm>

#include "heed/core/view.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Returns the index of the first element of x [size] that is NaN or infinite, or `size` if all are finite.
template <class Scalar, class Isa = simd::NativeIsa>
Index first_not_finite(Index size, const Scalar* x) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index block = 8 * P::width;
  for (Index from = 0; from < size; from += block) {
    const Index to = std::min(size, from + block);
    P sum(Scalar(0));  // of 0 x: 0 for finite x, otherwise NaN
    simd::for_each_pack<P>(to - from,
                           [&](Index j, Index n) { sum = fma(simd::load<P>(x + from + j, n), P(Scalar(0)), sum); });
    if (reduce_sum(sum) == 0) continue;
    for (Index i = from; i < to; ++i) {
      if (x[i] * 0 != 0) return i;
    }
  }
  return size;
}

/// The place of an element of a matrix.
struct Place {
  Index row, col;
};

/// Returns the place of the first such element of x in row-major order; its row is x.rows() if all are finite.
template <class Scalar, class Isa = simd::NativeIsa>
Place first_not_finite(MatrixView<const Scalar> x) noexcept {
  for (Index r = 0; r < x.rows(); ++r) {
    const Index c = first_not_finite<Scalar, Isa>(x.cols(), x.row(r));
    if (c < x.cols()) return {r, c};
  }
  return {x.rows(), 0};
}

}  // namespace heed::inline HEED_ABI::kernels
