// SPDX-License-Identifier: Apache-2.0
// y = activation(x W^T + b).
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/activation.hpp"
#include "heed/ops/detail/product.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct linear {
  static constexpr const char* name = "linear";
};
}  // namespace op

/// x [.., in], weight [out, in], bias [out] or empty -> [.., out]. The activation is applied while a block
/// of the product is still in the cache when its derivative follows from its output.
/// Throws ShapeError when the sizes do not fit.
template <class Scalar>
Var<Scalar> linear(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias = {}, Activation kind = Activation::identity) {
  if (!derivative_from_output(kind)) return activation(linear(x, weight, bias), kind);
  Tape<Scalar>& tape = tape_of("linear", x, weight, bias ? bias : x);
  if (weight.shape().rank() != 2 || x.cols() != weight.cols() || x.shape().rank() == 0) {
    fail<ShapeError>("linear", message("input ", to_string(x.shape()), " does not end in ", weight.cols(),
                                       " features (weight is ", to_string(weight.shape()), ")"));
  }
  const Index out = weight.rows();
  if (bias && bias.shape() != Shape{out}) {
    fail<ShapeError>("linear", message("bias ", to_string(bias.shape()), " for ", out, " outputs"));
  }
  const auto y = tape.allocate(x.shape().with_cols(out));
  kernels::Epilogue<Scalar> epilogue{.bias = bias ? bias.value().data() : nullptr, .activation = kind};
  detail::product_nt(tape, x.value(), weight.value(), y, epilogue);
  return record(tape, {x, weight, bias ? bias : x}, y, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    ArenaScope scope(t.scratch());
    TensorView<const Scalar> dy = g.output();
    if (kind != Activation::identity) {
      const auto slope = t.scratch().template tensor<Scalar>(y.shape());
      std::fill_n(slope.data(), slope.size(), Scalar(0));
      kernels::activation_backward<Scalar>(kind, y.size(), nullptr, y.data(), dy.data(), slope.data());
      dy = slope;
    }
    if (const auto dx = g(x)) detail::product<Scalar>(t, dy, weight.value(), dx, {.accumulate = true});
    if (const auto dw = g(weight)) detail::product_tn<Scalar>(t, dy, x.value(), dw, {.accumulate = true});
    if (!bias) return;
    if (const auto db = g(bias)) kernels::add_column_sums<Scalar>(dy.matrix(), db.data());
  });
}

}  // namespace heed::inline HEED_ABI
