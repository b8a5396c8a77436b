// SPDX-License-Identifier: Apache-2.0
// y = activation(x W^T + b).
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/activation.hpp"
#include "heed/ops/detail/gradient_sink.hpp"
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

/// How the backward pass of a layer with weight [m, n] divides `rows` into slabs.
struct LinearSlabs {
  bool with_weight;   ///< whether the weight's gradient, if needed, is summed in the same slabs
  Index size, count;  ///< rows per slab, whole blocks of row_grain; number of slabs

  LinearSlabs(Index rows, Index m, Index n) : with_weight(false), size(row_grain) {
    // Not much longer than the minimum, as rounding errors grow with the length of a sum.
    const Index least = round_up(std::max<Index>(1, least_slab(m, n)), row_grain);
    if (rows >= 8 * least) {
      with_weight = true;
      size = round_up(std::max(least, std::min<Index>(rows / 32, 4096)), row_grain);
    }
    count = ceil_divide(rows, size);
  }
};

/// Computes the gradients with respect to x, weight and bias from the gradient dz [rows, out] of x weight^T + bias.
/// With `separate_dz`, `prepare(begin, end, dz)` writes rows begin .. end - 1 of dz to a scratch buffer of their
/// size; else dz is the gradient of the output, and the view passed to `prepare` is empty.
///
/// Each block of rows is used for all three while it is in the cache. The gradients of weight and bias are summed per
/// slab of rows, and the partial sums are added in order. The gradient of a weight that is large compared with the
/// number of rows is computed afterwards, by a separate product in chunks of the weight's rows.
template <class Scalar, class Prepare>
void linear_backward(const Gradients<Scalar>& g, Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias, bool separate_dz,
                     const Prepare& prepare) {
  using View = MatrixView<const Scalar>;
  Tape<Scalar>& tape = g.tape();
  Arena& scratch = tape.scratch();
  ArenaScope scope(scratch);
  const View in = x.value().matrix(), w = weight.value(), dy = g.output().matrix();
  const Index rows = in.rows(), out = w.rows();
  const auto db = g(bias);
  const GradientSink<Scalar> sink(g, x);
  const MatrixView<Scalar> dx = sink.view(), dw = g(weight);
  const LinearSlabs cut(rows, out, w.cols());
  const bool sums_weight = dw && cut.with_weight, weight_last = dw && !cut.with_weight;
  // All of dz is kept for the separate product, or if it is no larger than one block per worker.
  const Index blocks_size = tape.executor().threads() * row_grain;
  const bool keeps_dz = weight_last || rows <= blocks_size;
  const auto dw_sums = scratch.template tensor<Scalar>({sums_weight ? cut.count * out : 0, w.cols()});
  const auto db_sums = scratch.template tensor<Scalar>({db ? cut.count : 0, out});
  const auto dz_buffer = scratch.template tensor<Scalar>({separate_dz ? keeps_dz ? rows : blocks_size : 0, out});
  std::fill_n(db_sums.data(), db_sums.size(), Scalar(0));
  tape.executor().run_ranges(rows, cut.size, [&](Index first, Index last, int worker) {
    for (Index begin = first; begin < last; begin += row_grain) {
      const Index end = std::min(begin + row_grain, last), at = keeps_dz ? begin : worker * row_grain;
      const auto made = separate_dz ? dz_buffer.rows(at, at + end - begin) : MatrixView<Scalar>();
      prepare(begin, end, made);
      const View dz = separate_dz ? View(made) : dy.rows(begin, end), part = in.rows(begin, end);
      if (dx) {
        kernels::RowPrefetcher<Scalar> next;
        next.add(part);
        kernels::gemm<Scalar>(dz, w, dx.rows(begin, end),
                              {.accumulate = !sink.fresh(), .next_rows = sums_weight ? &next : nullptr});
      }
      if (db) kernels::add_column_sums<Scalar>(dz, db_sums.row(first / cut.size));
      if (sums_weight) {
        const Index i = first / cut.size;
        kernels::gemm_tn<Scalar>(dz, part, dw_sums.rows(i * out, (i + 1) * out), {.accumulate = begin > first});
      }
    }
  });
  // Only after dx is complete, since x and the weight may be the same array.
  if (db) kernels::add_column_sums<Scalar>(db_sums, db.data());
  if (sums_weight) add_slabs<Scalar>(tape, dw_sums, dw);
  if (weight_last) add_product_tn<Scalar>(tape, separate_dz ? View(dz_buffer) : dy, in, dw);
}

}  // namespace detail

/// Returns activation(x weight^T + bias): x [.., in], weight [out, in], bias [out] or empty -> [.., out]. An activation
/// whose derivative follows from its output is applied to each block of the product while it is in the cache.
/// Throws ShapeError when the sizes do not match.
template <class Scalar>
Var<Scalar> linear(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias = {}, Activation kind = Activation::identity) {
  if (!derivative_from_output(kind)) return activation(linear(x, weight, bias), kind);
  Tape<Scalar>& tape = tape_of("linear", x, weight, bias);
  detail::check_linear("linear", x, weight, bias);
  const auto y = tape.allocate(x.shape().with_cols(weight.rows()));
  kernels::Epilogue<Scalar> epilogue{.bias = bias ? bias.value().data() : nullptr, .activation = kind};
  detail::product_nt<Scalar>(tape, x.value(), weight.value(), y, epilogue);
  return record(tape, {x, weight, bias}, y, [=](const Gradients<Scalar>& g) {
    const bool separate_dz = kind != Activation::identity;
    detail::linear_backward<Scalar>(g, x, weight, bias, separate_dz, [&](Index begin, Index, MatrixView<Scalar> dz) {
      if (!separate_dz) return;
      std::fill_n(dz.data(), dz.size(), Scalar(0));
      kernels::activation_backward<Scalar>(kind, dz.size(), nullptr, y.matrix().row(begin),
                                           g.output().matrix().row(begin), dz.data());
    });
  });
}

}  // namespace heed::inline HEED_ABI
