// SPDX-License-Identifier: Apache-2.0
// A dense layer with activation, dropout and a residual connection.
#pragma once

#include "heed/kernels/dropout.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/add.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/ops/linear.hpp"

namespace heed::inline HEED_ABI {

template <class Scalar>
struct LinearDropoutOptions {
  Activation activation = Activation::identity;
  double dropout = 0;      ///< probability, as in the operation `dropout`
  Var<Scalar> residual{};  ///< added to the result; of the output's shape, or empty

  void fields(auto&& visitor) { visitor("activation", activation, "dropout", dropout, "residual", residual); }
};

namespace detail {

/// Returns whether a block of rows of a overlaps no other block of rows of b: they are one array, or do not overlap.
template <class Scalar>
bool same_or_disjoint_rows(MatrixView<const Scalar> a, MatrixView<const Scalar> b) {
  if (!a.contiguous() || !b.contiguous()) return false;
  if (a.data() == b.data()) return a.cols() == b.cols();
  return a.data() + a.size() <= b.data() || b.data() + b.size() <= a.data();
}

}  // namespace detail

/// Returns residual + dropout(activation(linear(x, weight, bias))). For the identity, and for relu without a residual,
/// each block of rows is completed while it is in the cache; other cases are composed of the named operations.
/// Throws the errors of these operations.
template <class Scalar>
Var<Scalar> linear_dropout(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias,
                           const LinearDropoutOptions<Scalar>& options) {
  const Activation kind = options.activation;
  const double probability = options.dropout;
  const Var<Scalar> residual = options.residual;
  Tape<Scalar>& tape = tape_of("linear_dropout", x, weight, bias, residual);
  detail::check_linear("linear_dropout", x, weight, bias);
  const Index out = weight.rows();
  const Shape shape = x.shape().with_cols(out);
  if (residual && residual.shape() != shape) {
    fail<ShapeError>("linear_dropout", "residual ", residual.shape(), " for ", to_string(shape));
  }
  check_probability("linear_dropout", "dropout", probability);
  const bool supported = kind == Activation::identity || (kind == Activation::relu && !residual);
  const bool blocks_start_at_dropout_groups = detail::row_grain * out % 128 == 0;
  const bool independent_blocks = !residual || detail::same_or_disjoint_rows<Scalar>(x.value(), residual.value());
  if (!supported || !blocks_start_at_dropout_groups || !independent_blocks) {
    const Var<Scalar> y = dropout(linear(x, weight, bias, kind), probability);
    return residual ? add(residual, y) : y;
  }
  const bool drops = tape.training() && probability > 0;
  const Random random = drops ? tape.next_random() : Random();
  const auto y = tape.allocate(shape);
  const Index rows = y.rows();
  {
    ArenaScope scope(tape.scratch());
    const auto packed = tape.scratch().template tensor<Scalar>({weight.cols(), out});
    kernels::transpose<Scalar>(weight.value(), packed);
    const kernels::Epilogue<Scalar> epilogue{.bias = bias ? bias.value().data() : nullptr, .activation = kind};
    const auto in = x.value().matrix();
    const Scalar* const beside = residual ? residual.value().data() : nullptr;
    tape.executor().run_ranges(rows, detail::row_grain, [&](Index begin, Index end, int) {
      kernels::gemm<Scalar>(in.rows(begin, end), packed, y.matrix().rows(begin, end), epilogue);
      const Index from = begin * out, to = end * out;
      if (drops) kernels::dropout_forward<Scalar>(random, probability, from, to, y.data() + from, y.data() + from);
      if (beside != nullptr) kernels::add_scaled<Scalar>(to - from, beside + from, Scalar(1), y.data() + from);
    });
  }
  return record(tape, {x, weight, bias, residual}, y, [=](const Gradients<Scalar>& g) {
    const detail::GradientSink<Scalar> beside(g, residual);
    const bool relu = kind == Activation::relu;
    const auto prepare = [&](Index begin, Index end, MatrixView<Scalar> dz) {
      const Index from = begin * out, size = (end - begin) * out;
      const Scalar* const dy = g.output().data() + from;
      if (beside.fresh()) {
        std::copy_n(dy, size, beside.view().data() + from);
      } else if (beside.view()) {
        kernels::add_scaled<Scalar>(size, dy, Scalar(1), beside.view().data() + from);
      }
      if (relu) {
        // Elements of y above 0 were neither dropped nor below 0 before relu.
        kernels::relu_gradient<Scalar>(size, y.data() + from, dy,
                                       drops ? Scalar(1) / static_cast<Scalar>(1 - probability) : Scalar(1), dz.data());
      } else if (drops) {
        kernels::dropout_forward<Scalar>(random, probability, from, from + size, dy, dz.data());
      }
    };
    detail::linear_backward<Scalar>(g, x, weight, bias, relu || drops, prepare);
  });
}

}  // namespace heed::inline HEED_ABI
