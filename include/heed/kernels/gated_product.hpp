// SPDX-License-Identifier: Apache-2.0
// y = residual + activation(gate) value, elementwise over rows of any strides (gated linear units: Dauphin et al.
// 2017).
#pragma once

#include "heed/core/view.hpp"
#include "heed/kernels/activation.hpp"

namespace heed::inline HEED_ABI::kernels {

/// All arrays have the same size; `residual` may be empty.
template <class Scalar, class Isa = simd::NativeIsa>
void gated_product_forward(Activation kind, MatrixView<const Scalar> gate, MatrixView<const Scalar> value,
                           MatrixView<const Scalar> residual, MatrixView<Scalar> y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < y.rows(); ++r) {
    const Scalar *g = gate.row(r), *v = value.row(r), *beside = residual ? residual.row(r) : nullptr;
    Scalar* out = y.row(r);
    simd::for_each_pack<P>(y.cols(), [&](Index c, Index n) {
      const P base = beside != nullptr ? simd::load<P>(beside + c, n) : P(Scalar(0));
      simd::store(fma(activate(kind, simd::load<P>(g + c, n)), simd::load<P>(v + c, n), base), out + c, n);
    });
  }
}

/// dvalue += activation(gate) dy
template <class Scalar, class Isa = simd::NativeIsa>
void gated_product_backward_value(Activation kind, MatrixView<const Scalar> gate, MatrixView<const Scalar> dy,
                                  MatrixView<Scalar> dvalue) noexcept {
  gated_product_forward<Scalar, Isa>(kind, gate, dy, dvalue, dvalue);
}

/// dgate += activation'(gate) value dy
template <class Scalar, class Isa = simd::NativeIsa>
void gated_product_backward_gate(Activation kind, MatrixView<const Scalar> gate, MatrixView<const Scalar> value,
                                 MatrixView<const Scalar> dy, MatrixView<Scalar> dgate) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < dy.rows(); ++r) {
    const Scalar *g = gate.row(r), *v = value.row(r), *up = dy.row(r);
    Scalar* out = dgate.row(r);
    simd::for_each_pack<P>(dy.cols(), [&](Index c, Index n) {
      const P x = simd::load<P>(g + c, n);
      // Only some derivatives are computed from the output.
      const P slope = activation_slope(kind, x, derivative_from_output(kind) ? activate(kind, x) : x);
      simd::store(fma(simd::load<P>(up + c, n) * simd::load<P>(v + c, n), slope, simd::load<P>(out + c, n)), out + c,
                  n);
    });
  }
}

}  // namespace heed::inline HEED_ABI::kernels
