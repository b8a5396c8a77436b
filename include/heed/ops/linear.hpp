// SPDX-License-Identifier: Apache-2.0
// y = activation(x W^T + b).
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/activation.hpp"
#include "heed/ops/detail/product.hpp"

namespace heed::inline HEED_ABI {

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

/// How `rows` are cut on the way back through a weight [m, n].
struct LinearSlabs {
  bool together;      ///< the weight's gradient, where it is wanted, is summed up in the same slabs
  Index size, count;  ///< of a slab; sizes are whole blocks of row_grain

  LinearSlabs(Index rows, Index m, Index n) : together(false), size(row_grain) {
    // The sums of all slabs take half the room of what they are made of; long slabs would cost them digits.
    const Index least = whole(std::max<Index>(1, 2 * m * n / std::max<Index>(1, m + n)));
    if (rows >= 8 * least) {
      together = true;
      size = whole(std::max(least, std::min<Index>(rows / 32, 4096)));
    }
    count = (rows + size - 1) / size;
  }

 private:
  static Index whole(Index n) { return (n + row_grain - 1) / row_grain * row_grain; }
};

/// From the cotangent dz [rows, out] of x weight^T + bias to those of all three. With `made`, `prepare(begin, end,
/// room)` makes rows begin .. end - 1 of it in the room [end - begin, out]; else it is the output's own, and the room
/// empty.
///
/// Each block of rows serves all three while it is near, and weight and bias are summed over slabs of rows, which are
/// then added in order. A weight that is large against the rows is left for a product of its own, cut by its rows.
template <class Scalar, class Prepare>
void linear_backward(const Gradients<Scalar>& g, Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias, bool made,
                     const Prepare& prepare) {
  using View = MatrixView<const Scalar>;
  Tape<Scalar>& tape = g.tape();
  Arena& scratch = tape.scratch();
  ArenaScope scope(scratch);
  const View in = x.value().matrix(), w = weight.value(), dy = g.output().matrix();
  const Index rows = in.rows(), out = w.rows();
  const auto db = bias ? g(bias) : TensorView<Scalar>();
  const auto [dx, fresh] = g.to_overwrite(x);
  const MatrixView<Scalar> to = dx.matrix(), dw = g(weight).matrix();
  const LinearSlabs cut(rows, out, w.cols());
  // A block's cotangent goes to its worker's room, unless all of it is wanted once more, or takes no more.
  const bool summed = dw && cut.together, whole = (dw && !summed) || rows <= tape.executor().threads() * row_grain;
  const auto dw_sums = scratch.template tensor<Scalar>({summed ? cut.count * out : 0, w.cols()});
  const auto db_sums = scratch.template tensor<Scalar>({db ? cut.count : 0, out});
  const Index room_rows = whole ? rows : tape.executor().threads() * row_grain;
  const auto rooms = scratch.template tensor<Scalar>({made ? room_rows : 0, out});
  std::fill_n(db_sums.data(), db_sums.size(), Scalar(0));
  tape.executor().run_ranges(rows, cut.size, [&, accumulate = !fresh](Index first, Index last, int worker) {
    for (Index begin = first; begin < last; begin += row_grain) {
      const Index end = std::min(begin + row_grain, last), at = whole ? begin : worker * row_grain;
      const auto room = made ? rooms.rows(at, at + end - begin) : MatrixView<Scalar>();
      prepare(begin, end, room);
      const View dz = made ? View(room) : dy.rows(begin, end), part = in.rows(begin, end);
      if (to) {
        kernels::RowsAhead<Scalar> next;
        next.add(part);
        kernels::gemm<Scalar>(dz, w, to.rows(begin, end),
                              {.accumulate = accumulate, .ahead = summed ? &next : nullptr});
      }
      if (db) kernels::add_column_sums<Scalar>(dz, db_sums.row(first / cut.size));
      if (summed) {
        const Index i = first / cut.size;
        kernels::gemm_tn<Scalar>(dz, part, dw_sums.rows(i * out, (i + 1) * out), {.accumulate = begin > first});
      }
    }
  });
  // Not before dx is whole: x and the weight may be one array.
  if (db) kernels::add_column_sums<Scalar>(db_sums, db.data());
  if (summed) add_slabs<Scalar>(tape, dw_sums, dw);
  if (dw && !summed) add_product_tn<Scalar>(tape, made ? View(rooms) : dy, in, dw);
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
    const bool made = kind != Activation::identity;
    detail::linear_backward<Scalar>(g, x, weight, bias, made, [&](Index begin, Index, MatrixView<Scalar> room) {
      if (!made) return;
      std::fill_n(room.data(), room.size(), Scalar(0));
      kernels::activation_backward<Scalar>(kind, room.size(), nullptr, y.matrix().row(begin),
                                           g.output().matrix().row(begin), room.data());
    });
  });
}

}  // namespace heed::inline HEED_ABI
