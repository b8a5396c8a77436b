// SPDX-License-Identifier: Apache-2.0
// A dense layer with what a transformer does to its output.
#pragma once

#include "heed/kernels/dropout.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/add.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/ops/linear.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct linear_dropout {
  static constexpr const char* name = "linear_dropout";
};
}  // namespace op

template <class Scalar>
struct LinearDropoutOptions {
  Activation activation = Activation::identity;
  double dropout = 0;      ///< as the operation `dropout`, while the tape is training
  Var<Scalar> residual{};  ///< of the output's shape, or empty

  void fields(auto&& visitor) { visitor("activation", activation, "dropout", dropout, "residual", residual); }
};

/// residual + dropout(activation(linear(x, weight, bias))), each block of rows finished while it is in the cache: for
/// the identity, and for relu without a residual. Anything else is composed of the operations named.
/// Throws as they do.
template <class Scalar>
Var<Scalar> linear_dropout(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias,
                           const LinearDropoutOptions<Scalar>& options) {
  const Activation kind = options.activation;
  const double probability = options.dropout;
  const Var<Scalar> residual = options.residual;
  Tape<Scalar>& tape = tape_of("linear_dropout", x, weight, bias ? bias : x, residual ? residual : x);
  detail::check_linear("linear_dropout", x, weight, bias);
  const Index out = weight.rows();
  const Shape shape = x.shape().with_cols(out);
  if (residual && residual.shape() != shape) {
    fail<ShapeError>("linear_dropout", "residual ", residual.shape(), " for ", to_string(shape));
  }
  if (!(probability >= 0 && probability < 1)) {
    fail<OptionError>("linear_dropout", "dropout ", probability, " is not in [0, 1)");
  }
  // A block of rows must begin where a group of the mask's random numbers does, and touch no row of another one: slices
  // of one array that lie across each other would, and rows of another width.
  const auto apart = [](TensorView<const Scalar> a, TensorView<const Scalar> b) {
    return a.data() + a.size() <= b.data() || b.data() + b.size() <= a.data();
  };
  const bool fused =
      (kind == Activation::identity || (kind == Activation::relu && !residual)) && detail::row_grain * out % 128 == 0 &&
      (!residual ||
       (residual.value().contiguous() && x.value().contiguous() &&
        ((x.value().data() == residual.value().data() && x.cols() == out) || apart(x.value(), residual.value()))));
  if (!fused) {
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
      if (beside != nullptr) kernels::scale_backward<Scalar>(to - from, beside + from, Scalar(1), y.data() + from);
    });
  }
  return record(tape, {x, weight, bias ? bias : x, residual ? residual : x}, y, [=](const Gradients<Scalar>& g) {
    const auto beside = residual ? g.to_overwrite(residual) : typename Gradients<Scalar>::Room{};
    const bool relu = kind == Activation::relu, made = relu || drops;
    detail::linear_backward<Scalar>(g, x, weight, bias, made, [&](Index begin, Index end, MatrixView<Scalar> room) {
      const Index from = begin * out, size = (end - begin) * out;
      const Scalar* const dy = g.output().data() + from;
      if (beside.fresh) {
        std::copy_n(dy, size, beside.gradient.data() + from);
      } else if (beside.gradient) {
        kernels::scale_backward<Scalar>(size, dy, Scalar(1), beside.gradient.data() + from);
      }
      if (relu) {
        // What is above 0 here was neither dropped nor below 0.
        kernels::relu_gradient<Scalar>(size, y.data() + from, dy,
                                       drops ? Scalar(1) / static_cast<Scalar>(1 - probability) : Scalar(1),
                                       room.data());
      } else if (drops) {
        kernels::dropout_forward<Scalar>(random, probability, from, from + size, dy, room.data());
      }
    });
  });
}

}  // namespace heed::inline HEED_ABI
