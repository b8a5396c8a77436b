// SPDX-License-Identifier: Apache-2.0
// The gated product of two arrays, with an optional residual connection.
#pragma once

#include <algorithm>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/kernels/gated_product.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

template <class Scalar>
struct GatedProductOptions {
  Activation activation = Activation::sigmoid;  ///< of the gate
  Var<Scalar> residual{};                       ///< added to the result; of the same shape, or empty

  void fields(auto&& visitor) { visitor("activation", activation, "residual", residual); }
};

/// Returns residual + activation(gate) * value, elementwise: a gated linear unit (Dauphin et al. 2017; with silu, the
/// gate of SwiGLU, Shazeer 2020). Gate and value may be slices of one array. Throws ShapeError when the shapes differ.
template <class Scalar>
Var<Scalar> gated_product(Var<Scalar> gate, Var<Scalar> value, const GatedProductOptions<Scalar>& options = {}) {
  const Var<Scalar> residual = options.residual;
  Tape<Scalar>& tape = tape_of("gated_product", gate, value, residual);
  const Shape shape = value.shape();
  if (gate.shape() != shape || (residual && residual.shape() != shape)) {
    fail<ShapeError>("gated_product", "gate ", gate.shape(), ", value ", to_string(shape),
                     residual ? ", residual " + to_string(residual.shape()) : std::string());
  }
  const Activation kind = options.activation;
  const auto y = tape.allocate(shape);
  const Index grain = std::max<Index>(1, detail::elementwise_grain / std::max<Index>(1, shape.cols()));
  const auto gv = gate.value().matrix(), vv = value.value().matrix();
  const auto beside = residual ? residual.value().matrix() : MatrixView<const Scalar>();
  tape.executor().run_ranges(y.rows(), grain, [&](Index begin, Index end, int) {
    kernels::gated_product_forward<Scalar>(kind, gv.rows(begin, end), vv.rows(begin, end), beside.rows(begin, end),
                                           y.matrix().rows(begin, end));
  });
  return record(tape, {gate, value, residual}, y, [=](const Gradients<Scalar>& g) {
    const TensorView<const Scalar> dy = g.output().matrix();
    // One after the other, since these gradients may share memory.
    const auto each = [&](TensorView<Scalar> to, auto&& add) {
      if (!to) return;
      g.tape().executor().run_ranges(
          dy.rows(), grain, [&](Index begin, Index end, int) { add(begin, end, to.matrix().rows(begin, end)); });
    };
    each(g(value), [&](Index begin, Index end, TensorView<Scalar> out) {
      kernels::gated_product_backward_value<Scalar>(kind, gv.rows(begin, end), dy.rows(begin, end), out);
    });
    each(g(gate), [&](Index begin, Index end, TensorView<Scalar> out) {
      kernels::gated_product_backward_gate<Scalar>(kind, gv.rows(begin, end), vv.rows(begin, end), dy.rows(begin, end),
                                                   out);
    });
    each(g(residual),
         [&](Index begin, Index end, TensorView<Scalar> out) { kernels::add_rows<Scalar>(dy.rows(begin, end), out); });
  });
}

}  // namespace heed::inline HEED_ABI
