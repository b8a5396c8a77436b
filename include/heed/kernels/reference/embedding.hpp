// SPDX-License-Identifier: Apache-2.0
// Lookup of table rows, directly from its definition.
#pragma once

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// y_ij = table_(index_i) j, 0 where index_i = -1
inline void embedding(TensorView<const double> table, const Index* indices, TensorView<double> y) {
  for (Index i = 0; i < y.rows(); ++i) {
    for (Index j = 0; j < y.cols(); ++j) y(i, j) = indices[i] < 0 ? 0.0 : table(indices[i], j);
  }
}

/// dtable_rj = sum over {i : index_i = r} of dy_ij
inline void embedding_backward(TensorView<const double> dy, const Index* indices, TensorView<double> dtable) {
  for (Index r = 0; r < dtable.rows(); ++r) {
    for (Index j = 0; j < dtable.cols(); ++j) {
      dtable(r, j) = 0;
      for (Index i = 0; i < dy.rows(); ++i) dtable(r, j) += indices[i] == r ? dy(i, j) : 0.0;
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
