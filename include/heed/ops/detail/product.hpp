// SPDX-License-Identifier: Apache-2.0
// Matrix products cut into chunks by shape, for operations to share.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/gemm.hpp"
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

/// c = a^T b (the gradient of a weight), chunks of c's rows, each summing over all rows of a and b in order.
template <class Scalar>
void product_tn(Tape<Scalar>& tape, TensorView<const Scalar> a, TensorView<const Scalar> b, TensorView<Scalar> c,
                const kernels::Epilogue<Scalar>& epilogue = {}) {
  constexpr Index grain = 32;
  tape.executor().run_ranges(c.rows(), grain, [&](Index begin, Index end, int) {
    kernels::gemm_tn<Scalar>(a.matrix().columns(begin, end), b.matrix(), c.matrix().rows(begin, end), epilogue);
  });
}

}  // namespace heed::inline HEED_ABI::detail
