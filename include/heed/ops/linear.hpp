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

/// Slabs of rows over which the gradient of a weight [m, n] is summed apart: enough for many threads, and hardly more
/// room for the sums than for the rows.
inline Index linear_slabs(Index rows, Index m, Index n) {
  return std::clamp(rows * (m + n) / std::max<Index>(1, m * n), Index{4}, Index{16});
}

/// From the cotangent of x weight^T + bias to those of all three. `cotangent(begin, end, room)` are its rows
/// begin .. end - 1, where they are or made in the room [end - begin, out]. Each block of rows serves all three while
/// it is near.
template <class Scalar, class Cotangent>
void linear_backward(const Gradients<Scalar>& g, Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias,
                     const Cotangent& cotangent) {
  Tape<Scalar>& tape = g.tape();
  Arena& scratch = tape.scratch();
  ArenaScope scope(scratch);
  const MatrixView<const Scalar> in = x.value().matrix(), w = weight.value();
  const Index rows = in.rows(), out = w.rows();
  const auto db = bias ? g(bias) : TensorView<Scalar>();
  const auto [dx, fresh] = g.to_overwrite(x);
  const MatrixView<Scalar> to = dx.matrix(), dw = g(weight).matrix();
  const Index most = linear_slabs(rows, out, w.cols());
  const Index slab = std::max<Index>(1, (rows + most * row_grain - 1) / (most * row_grain)) * row_grain;
  const Index slabs = (rows + slab - 1) / slab;
  const auto dw_sums = scratch.template tensor<Scalar>({dw ? slabs * out : 0, w.cols()});
  const auto db_sums = scratch.template tensor<Scalar>({db ? slabs : 0, out});
  const auto rooms = scratch.template tensor<Scalar>({tape.executor().threads() * row_grain, out});
  std::fill_n(db_sums.data(), db_sums.size(), Scalar(0));
  tape.executor().run_ranges(rows, slab, [&, accumulate = !fresh](Index first, Index last, int worker) {
    const Index i = first / slab;
    for (Index begin = first; begin < last; begin += row_grain) {
      const Index end = std::min(begin + row_grain, last);
      const MatrixView<const Scalar> dz =
          cotangent(begin, end, rooms.rows(worker * row_grain, worker * row_grain + end - begin));
      if (to) kernels::gemm<Scalar>(dz, w, to.rows(begin, end), {.accumulate = accumulate});
      if (db) kernels::add_column_sums<Scalar>(dz, db_sums.row(i));
      if (dw) {
        kernels::gemm_tn<Scalar>(dz, in.rows(begin, end), dw_sums.rows(i * out, (i + 1) * out),
                                 {.accumulate = begin > first});
      }
    }
  });
  if (db) kernels::add_column_sums<Scalar>(db_sums, db.data());
  if (dw) add_slabs<Scalar>(tape, dw_sums, dw);
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
    const TensorView<const Scalar> dy = g.output().matrix();
    detail::linear_backward<Scalar>(
        g, x, weight, bias, [&](Index begin, Index end, MatrixView<Scalar> room) -> MatrixView<const Scalar> {
          if (kind == Activation::identity) return dy.rows(begin, end);
          std::fill_n(room.data(), room.size(), Scalar(0));
          kernels::activation_backward<Scalar>(kind, room.size(), nullptr, y.matrix().row(begin), dy.row(begin),
                                               room.data());
          return room;
        });
  });
}

}  // namespace heed::inline HEED_ABI
