// SPDX-License-Identifier: Apache-2.0
// Elementwise arithmetic with repeated dimensions of size 1, directly from its definition.
#pragma once

#include "heed/kernels/broadcast.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

inline double arithmetic(Arithmetic kind, double a, double b) {
  switch (kind) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::subtract:
      return a - b;
    case Arithmetic::multiply:
      return a * b;
    case Arithmetic::divide:
      return a / b;
  }
  return 0;
}

/// Returns the element of x, of shape `shape`, that element `i` of an output of shape `out` reads. Shapes are aligned
/// at the last dimension, and a dimension of size 1 is repeated.
inline Index broadcast_index(const Shape& out, const Shape& shape, Index i) {
  Index at = 0, stride = 1;
  for (int back = 1; back <= out.rank(); ++back) {
    const Index coordinate = i % out[-back];
    i /= out[-back];
    if (back > shape.rank()) continue;
    if (shape[-back] > 1) at += coordinate * stride;
    stride *= shape[-back];
  }
  return at;
}

/// y_i = a_(i) (kind) b_(i)
inline void broadcast(Arithmetic kind, TensorView<const double> a, TensorView<const double> b, TensorView<double> y) {
  for (Index i = 0; i < y.size(); ++i) {
    y[i] = arithmetic(kind, a[broadcast_index(y.shape(), a.shape(), i)], b[broadcast_index(y.shape(), b.shape(), i)]);
  }
}

/// da_(i) += dy_i dy/da, db_(i) += dy_i dy/db
inline void broadcast_backward(Arithmetic kind, TensorView<const double> a, TensorView<const double> b,
                               TensorView<const double> dy, TensorView<double> da, TensorView<double> db) {
  for (Index i = 0; i < dy.size(); ++i) {
    const Index at_a = broadcast_index(dy.shape(), a.shape(), i), at_b = broadcast_index(dy.shape(), b.shape(), i);
    switch (kind) {
      case Arithmetic::add:
        da[at_a] += dy[i];
        db[at_b] += dy[i];
        break;
      case Arithmetic::subtract:
        da[at_a] += dy[i];
        db[at_b] -= dy[i];
        break;
      case Arithmetic::multiply:
        da[at_a] += dy[i] * b[at_b];
        db[at_b] += dy[i] * a[at_a];
        break;
      case Arithmetic::divide:
        da[at_a] += dy[i] / b[at_b];
        db[at_b] -= dy[i] * a[at_a] / (b[at_b] * b[at_b]);
        break;
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
