// SPDX-License-Identifier: Apache-2.0
// Matrix products in chunks that depend on the shapes only, shared by operations.
#pragma once

#include <algorithm>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI::detail {

/// Computes c = a b in chunks of rows.
template <class Scalar>
void product(Tape<Scalar>& tape, MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
             const kernels::Epilogue<Scalar>& epilogue = {}) {
  tape.executor().run_ranges(c.rows(), row_grain, [&](Index begin, Index end, int) {
    kernels::gemm<Scalar>(a.rows(begin, end), b, c.rows(begin, end), epilogue);
  });
}

/// Computes c = a b^T; b is transposed once.
template <class Scalar>
void product_nt(Tape<Scalar>& tape, MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
                const kernels::Epilogue<Scalar>& epilogue = {}) {
  ArenaScope scope(tape.scratch());
  const auto packed = tape.scratch().template tensor<Scalar>({b.cols(), b.rows()});
  kernels::transpose<Scalar>(b, packed);
  product<Scalar>(tape, a, packed, c, epilogue);
}

/// Rows of a weight's gradient per chunk.
inline constexpr Index weight_grain = 32;

/// Returns the number of rows at which a [rows, m] and b [rows, n] take twice the memory of a^T b [m, n]. In slabs of
/// at least this many rows, the partial sums of all slabs take no more memory than a and b.
inline Index least_slab(Index m, Index n) { return 2 * m * n / std::max<Index>(1, m + n); }

/// Returns the rows per slab of a^T b if only this product reads them. (LinearSlabs in ops/linear.hpp uses shorter
/// slabs, of whole blocks of row_grain, for a backward pass that uses each block of rows three times while it is in the
/// cache. Slabs determine the order of summation, so one rule for both would change the rounding of every gradient, and
/// 1,024 rows would leave most layers too few slabs for the threads.)
inline Index product_slab(Index m, Index n) { return std::max<Index>(1024, least_slab(m, n)); }

/// Adds the partial sums of all slabs (c.rows() rows of `sums` per slab) to c, one slab after the other.
template <class Scalar>
void add_slabs(Tape<Scalar>& tape, MatrixView<const Scalar> sums, MatrixView<Scalar> c) {
  tape.executor().run_ranges(c.rows(), weight_grain, [&](Index begin, Index end, int) {
    for (Index first = 0; first < sums.rows(); first += c.rows()) {
      for (Index r = begin; r < end; ++r) {
        kernels::add_scaled<Scalar>(c.cols(), sums.row(first + r), Scalar(1), c.row(r));
      }
    }
  });
}

/// Adds a^T b (the gradient of a weight) to c. The rows of a and b are split into slabs whose size depends on the shape
/// of c only; each slab is read once and summed separately, and the partial sums are added in order.
template <class Scalar>
void add_product_tn(Tape<Scalar>& tape, MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c) {
  const Index slab = product_slab(c.rows(), c.cols());
  const Index slabs = ceil_divide(a.rows(), slab);
  if (slabs <= 1) {
    tape.executor().run_ranges(c.rows(), weight_grain, [&](Index begin, Index end, int) {
      kernels::gemm_tn<Scalar>(a.columns(begin, end), b, c.rows(begin, end), {.accumulate = true});
    });
    return;
  }
  ArenaScope scope(tape.scratch());
  const auto sums = tape.scratch().template tensor<Scalar>({slabs * c.rows(), c.cols()});
  tape.executor().run_ranges(a.rows(), slab, [&](Index begin, Index end, int) {
    const Index i = begin / slab;
    kernels::gemm_tn<Scalar>(a.rows(begin, end), b.rows(begin, end), sums.rows(i * c.rows(), (i + 1) * c.rows()));
  });
  add_slabs<Scalar>(tape, sums, c);
}

}  // namespace heed::inline HEED_ABI::detail
