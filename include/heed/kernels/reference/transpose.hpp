// SPDX-License-Identifier: Apache-2.0
// A transposed matrix, directly from its definition.
#pragma once

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// out(j, i) = in(i, j)
inline void transpose(TensorView<const double> in, TensorView<double> out) {
  for (Index i = 0; i < in.rows(); ++i) {
    for (Index j = 0; j < in.cols(); ++j) out(j, i) = in(i, j);
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
