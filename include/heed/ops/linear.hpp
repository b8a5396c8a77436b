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

namespace detail {

template <class Scalar>
[[gnu::noinline]] void check_linear(std::string_view operation, Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias) {
  if (weight.shape().rank() != 2 || x.cols() != weight.cols() || x.shape().rank() == 0) {
    fail<ShapeError>(operation, "input ", x.shape(), " does not end in ", weight.cols(), " features (weight is ",
                     weight.shape(), ")");
  }
  if (bias && bias.shape() != Shape{weight.rows()}) {
    fail<ShapeError>(operation, "bias ", bias.shape(), " for ", weight.rows(), " outputs");
  }
}

/// From the cotangent dz [rows, out] of x weight^T + bias to those of all three. `prepare(begin, end)` makes rows
/// begin .. end - 1 of dz just before they are used.
template <class Scalar, class Prepare>
void linear_backward(const Gradients<Scalar>& g, TensorView<const Scalar> dz, Var<Scalar> x, Var<Scalar> weight,
                     Var<Scalar> bias, const Prepare& prepare) {
  Tape<Scalar>& tape = g.tape();
  ArenaScope scope(tape.scratch());
  const Index rows = dz.rows(), out = dz.cols();
  const auto db = bias ? g(bias) : TensorView<Scalar>();
  const auto sums = tape.scratch().template tensor<Scalar>({db ? (rows + row_grain - 1) / row_grain : 0, out});
  std::fill_n(sums.data(), sums.size(), Scalar(0));
  const auto [dx, fresh] = g.to_overwrite(x);
  tape.executor().run_ranges(rows, row_grain, [&, to = dx.matrix(), accumulate = !fresh](Index begin, Index end, int) {
    prepare(begin, end);
    const auto part = dz.rows(begin, end);
    if (to) kernels::gemm<Scalar>(part, weight.value(), to.rows(begin, end), {.accumulate = accumulate});
    if (db) kernels::add_column_sums<Scalar>(part, sums.row(begin / row_grain));
  });
  if (db) kernels::add_column_sums<Scalar>(sums, db.data());
  if (const auto dw = g(weight)) add_product_tn<Scalar>(tape, dz, x.value(), dw);
}

}  // namespace detail

/// x [.., in], weight [out, in], bias [out] or empty -> [.., out]. The activation is applied while a block
/// of the product is still in the cache when its derivative follows from its output.
/// Throws ShapeError when the sizes do not fit.
template <class Scalar>
Var<Scalar> linear(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias = {}, Activation kind = Activation::identity) {
  if (!derivative_from_output(kind)) return activation(linear(x, weight, bias), kind);
  Tape<Scalar>& tape = tape_of("linear", x, weight, bias ? bias : x);
  detail::check_linear("linear", x, weight, bias);
  const auto y = tape.allocate(x.shape().with_cols(weight.rows()));
  kernels::Epilogue<Scalar> epilogue{.bias = bias ? bias.value().data() : nullptr, .activation = kind};
  detail::product_nt<Scalar>(tape, x.value(), weight.value(), y, epilogue);
  return record(tape, {x, weight, bias ? bias : x}, y, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    ArenaScope scope(t.scratch());
    const TensorView<const Scalar> dy = g.output().matrix();
    const bool identity = kind == Activation::identity;
    const auto made = t.scratch().template tensor<Scalar>({identity ? 0 : dy.rows(), dy.cols()});
    detail::linear_backward<Scalar>(g, identity ? dy : made, x, weight, bias, [&](Index begin, Index end) {
      if (identity) return;
      const Index from = begin * dy.cols(), to = end * dy.cols();
      std::fill(made.data() + from, made.data() + to, Scalar(0));
      kernels::activation_backward<Scalar>(kind, to - from, nullptr, y.data() + from, dy.data() + from,
                                           made.data() + from);
    });
  });
}

}  // namespace heed::inline HEED_ABI
