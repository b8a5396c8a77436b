// SPDX-License-Identifier: Apache-2.0
// Cross-entropy over a catalogue, fused with the linear layer that makes its logits.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include "heed/kernels/linear_cross_entropy.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/detail/reduction.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct linear_cross_entropy {
  static constexpr const char* name = "linear_cross_entropy";
};
}  // namespace op

struct LinearCrossEntropyOptions {
  Index ignore_index = -100;              ///< rows with this target count neither in the loss nor in the mean
  Reduction reduction = Reduction::mean;  ///< or sum
  double scale = 1;                       ///< of the products, not of the bias: 1 / temperature
};

namespace detail {

/// dx += factor y, chunks of rows; row i of y belongs to row `at[i]` of dx, or to row i when `at` is null.
template <class Scalar>
void add_scaled_rows(Tape<Scalar>& tape, TensorView<const Scalar> y, Scalar factor, const Index* at,
                     TensorView<Scalar> dx) {
  tape.executor().run_ranges(y.rows(), row_grain, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      kernels::scale_backward<Scalar>(y.cols(), y.row(i), factor, dx.row(at == nullptr ? i : at[i]));
    }
  });
}

}  // namespace detail

/// cross_entropy(scale x weight^T + bias, targets): x [.., d] (leading dimensions fold into rows), weight [items, d],
/// bias [items] or empty, targets [rows] -> loss []. The logits are never stored: beside the gradients, memory grows
/// with the items alone (64 numbers an item). While the tape records, the gradients are computed here, where the
/// exponentials are at hand, and `backward` only scales them. An ignored row costs nothing. When every row is ignored,
/// the loss and its gradients are 0. To leave items out (a padding row), pass a slice of the table.
/// Throws ShapeError, IndexError for a target that is no item, OptionError for the reduction.
template <class Scalar>
Var<Scalar> linear_cross_entropy(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias, std::span<const Index> targets,
                                 const LinearCrossEntropyOptions& options = {}) {
  constexpr const char* name = op::linear_cross_entropy::name;
  Tape<Scalar>& tape = tape_of(name, x, weight, bias ? bias : x);
  const Index rows = x.rows(), width = x.cols(), items = weight.rows();
  if (x.shape().rank() == 0 || weight.shape().rank() != 2 || width != weight.cols() || std::ssize(targets) != rows ||
      (bias && bias.shape() != Shape{items})) {
    fail<ShapeError>(name, "input ", x.shape(), ", weight ", weight.shape(), ", bias ",
                     bias ? to_string(bias.shape()) : "none", " and ", targets.size(),
                     " targets do not fit [rows, d], [items, d], [items] and rows");
  }
  if (options.reduction == Reduction::none) fail<OptionError>(name, "reduction must be mean or sum");
  const Index count = detail::count_targets(name, targets, items, "items", options.ignore_index);
  // Only the rows that count, packed.
  Index* const kept = tape.template room<Index>(count);
  const auto y = tape.allocate({});
  const auto gradient_of = [&](Var<Scalar> v, const Shape& shape) {
    return v && v.requires_grad() ? tape.allocate(shape) : TensorView<Scalar>{};
  };
  const auto dx = gradient_of(x, {count, width}), dw = gradient_of(weight, {items, width}),
             db = gradient_of(bias, {items});

  constexpr Index most = kernels::catalogue_tile, block = kernels::catalogue_block;
  // A part is what one worker sums by itself: of whole blocks, and how many parts there are depends on the items alone.
  const Index blocks = (items + block - 1) / block, part = (blocks + 15) / 16 * block,
              parts = (items + part - 1) / part;
  Executor& executor = tape.executor();
  ArenaScope scope(tape.scratch());
  const auto scratch = [&](const Shape& shape) { return tape.scratch().template tensor<Scalar>(shape); };
  Index* const wanted = tape.scratch().template array<Index>(count);
  for (Index i = 0, n = 0; i < rows; ++i) {
    if (targets[static_cast<std::size_t>(i)] == options.ignore_index) continue;
    kept[n] = i;
    wanted[n++] = targets[static_cast<std::size_t>(i)];
  }
  const bool later = dw || db;  // the exponentials are needed again
  const auto all_x = scratch({most, width}), all_x_t = scratch({width, most});
  const auto all_tops = scratch({blocks, most}), all_sums = scratch({parts, most}), all_ends = scratch({parts, most});
  const auto hits = scratch({most}), greatest = scratch({most}), shares = scratch({most});
  const auto all_dx = dx ? scratch({parts * most, width}) : TensorView<Scalar>{};
  const auto all_scaled = dw ? scratch({executor.threads() * most, width}) : TensorView<Scalar>{};
  const auto all_e = scratch({later ? items : block * executor.threads(), most});  // last: an arena doubles
  const MatrixView<const Scalar> in = x.value(), table = weight.value();
  const Scalar* const offsets = bias ? bias.value().data() : nullptr;
  const Scalar scale = static_cast<Scalar>(options.scale);
  double total = 0;
  for (Index from = 0; from < count; from += most) {
    const Index tall = std::min(most, count - from);
    const Index* const target = wanted + from;
    const auto tile = all_x.rows(0, tall), tile_t = all_x_t.columns(0, tall);
    const auto tops = all_tops.columns(0, tall), sums = all_sums.columns(0, tall), ends = all_ends.columns(0, tall);
    const auto e = all_e.columns(0, tall);
    for (Index r = 0; r < tall; ++r)
      kernels::scale_forward<Scalar>(width, in.row(kept[from + r]), scale, 0, tile.row(r));
    kernels::transpose<Scalar>(tile, tile_t);
    executor.run_ranges(items, part, [&](Index begin, Index end, int worker) {
      const Index p = begin / part;
      Scalar* const top = ends.row(p);
      std::fill_n(top, tall, -std::numeric_limits<Scalar>::infinity());
      std::fill_n(sums.row(p), tall, Scalar(0));
      const auto part_dx = dx ? all_dx.rows(p * most, p * most + tall) : all_dx.matrix();
      for (Index r = 0; dx && r < tall; ++r) std::fill_n(part_dx.row(r), width, Scalar(0));
      for (Index c = begin; c < end; c += block) {
        const Index stop = std::min(c + block, end), at = later ? c : worker * block;
        kernels::catalogue_exponentials<Scalar>(table.rows(c, stop), offsets == nullptr ? nullptr : offsets + c, tile_t,
                                                c, target, e.rows(at, at + stop - c), top, sums.row(p), hits.data(),
                                                part_dx);
        std::copy_n(top, tall, tops.row(c / block));
      }
    });
    total += kernels::catalogue_losses<Scalar>(ends, sums, hits.data(), greatest.data(), shares.data());
    if (later) {
      executor.run_ranges(items, block, [&](Index begin, Index end, int worker) {
        kernels::catalogue_weight_gradients<Scalar>(
            e.rows(begin, end), tops.row(begin / block), greatest.data(), shares.data(), begin, target, tile, from > 0,
            dw ? all_scaled.rows(worker * most, worker * most + tall) : all_scaled.matrix(),
            dw ? dw.rows(begin, end) : dw.matrix(), db ? db.data() + begin : nullptr);
      });
    }
    for (Index r = 0; dx && r < tall; ++r) {
      Scalar* const out = dx.row(from + r);
      kernels::scale_forward<Scalar>(width, table.row(target[r]), Scalar(-1), 0, out);
      for (Index p = 0; p < parts; ++p) {
        kernels::scale_backward<Scalar>(width, all_dx.row(p * most + r), sums(p, r), out);
      }
    }
  }
  const bool mean = options.reduction == Reduction::mean;
  y[0] = static_cast<Scalar>(mean && count > 0 ? total / static_cast<double>(count) : total);
  return record(tape, {x, weight, bias ? bias : x}, y, [=](const Gradients<Scalar>& g) {
    if (count == 0) return;
    const Scalar up = mean ? g.output()[0] / static_cast<Scalar>(count) : g.output()[0];
    if (dx) detail::add_scaled_rows<Scalar>(g.tape(), dx, up * scale, kept, g(x).matrix());
    if (dw) detail::add_scaled_rows<Scalar>(g.tape(), dw, up, nullptr, g(weight));
    if (db) kernels::scale_backward<Scalar>(items, db.data(), up, g(bias).data());
  });
}

}  // namespace heed::inline HEED_ABI
