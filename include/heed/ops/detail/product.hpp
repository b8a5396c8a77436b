// SPDX-License-Identifier: Apache-2.0
// Matrix products cut into chunks by shape, for operations to share.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI::detail {

/// c = a b, chunks of rows.
template <class Scalar>
void product(Tape<Scalar>& tape, TensorView<const Scalar> a, TensorView<const Scalar> b, TensorView<Scalar> c,
             const kernels::Epilogue<Scalar>& epilogue = {}) {
  tape.executor().run_ranges(c.rows(), row_grain, [&](Index begin, Index end, int) {
    kernels::gemm<Scalar>(a.matrix().rows(begin, end), b, c.matrix().rows(begin, end), epilogue);
  });
}

/// c = a b^T: b is transposed once.
template <class Scalar>
void product_nt(Tape<Scalar>& tape, TensorView<const Scalar> a, TensorView<const Scalar> b, TensorView<Scalar> c,
                const kernels::Epilogue<Scalar>& epilogue = {}) {
  ArenaScope scope(tape.scratch());
  const auto packed = tape.scratch().template tensor<Scalar>({b.cols(), b.rows()});
  kernels::transpose<Scalar>(b.matrix(), packed);
  product<Scalar>(tape, a, packed, c, epilogue);
}

/// c += a^T b (the gradient of a weight): rows of a and b in slabs of a constant size, each read once and summed apart,
/// and the sums added in order.
template <class Scalar>
void add_product_tn(Tape<Scalar>& tape, TensorView<const Scalar> a, TensorView<const Scalar> b, TensorView<Scalar> c) {
  constexpr Index slab = 1024, grain = 32;
  const Index slabs = (a.rows() + slab - 1) / slab;
  if (slabs <= 1) {
    tape.executor().run_ranges(c.rows(), grain, [&](Index begin, Index end, int) {
      kernels::gemm_tn<Scalar>(a.matrix().columns(begin, end), b.matrix(), c.matrix().rows(begin, end),
                               {.accumulate = true});
    });
    return;
  }
  ArenaScope scope(tape.scratch());
  const auto sums = tape.scratch().template tensor<Scalar>({slabs * c.rows(), c.cols()});
  tape.executor().run_ranges(a.rows(), slab, [&](Index begin, Index end, int) {
    const Index i = begin / slab;
    kernels::gemm_tn<Scalar>(a.matrix().rows(begin, end), b.matrix().rows(begin, end),
                             sums.rows(i * c.rows(), (i + 1) * c.rows()));
  });
  tape.executor().run_ranges(c.rows(), grain, [&](Index begin, Index end, int) {
    for (Index i = 0; i < slabs; ++i) {
      for (Index r = begin; r < end; ++r) {
        kernels::scale_backward<Scalar>(c.cols(), sums.row(i * c.rows() + r), Scalar(1), c.row(r));
      }
    }
  });
}

}  // namespace heed::inline HEED_ABI::detail
