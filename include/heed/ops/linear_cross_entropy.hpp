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

  void fields(auto&& visitor) { visitor("ignore_index", ignore_index, "reduction", reduction, "scale", scale); }
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
/// with the items (64 numbers an item) and with d (64 rows for each of up to 16 parts of the items and each thread).
/// While the tape records, the gradients are computed here, where the exponentials are at hand, and `backward` only
/// scales them. An ignored row costs nothing. When every row is ignored, the loss and its gradients are 0. To leave
/// items out (a padding row), pass a slice of the table. Throws ShapeError, IndexError for a target that is no item,
/// OptionError for the reduction.
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

  constexpr Index tile = kernels::catalogue_tile, block = kernels::catalogue_block;
  // A part is what one worker sums by itself: whole blocks. How many there are, 16 at most, depends on the items alone.
  const Index blocks = (items + block - 1) / block, part = (blocks + 15) / 16 * block;
  const Index parts = items > 0 ? (items + part - 1) / part : 0;
  Executor& executor = tape.executor();
  ArenaScope scope(tape.scratch());
  const auto scratch = [&](const Shape& shape) { return tape.scratch().template tensor<Scalar>(shape); };
  Index* const wanted = tape.scratch().template array<Index>(count);
  for (Index i = 0, n = 0; i < rows; ++i) {
    if (targets[static_cast<std::size_t>(i)] == options.ignore_index) continue;
    kept[n] = i;
    wanted[n++] = targets[static_cast<std::size_t>(i)];
  }
  const bool goes_on = dw || db;  // the exponentials are needed again
  const auto all_x = scratch({tile, width}), all_x_t = scratch({width, tile}), all_tops = scratch({blocks, tile});
  const auto all_part_tops = scratch({parts, tile}), all_factors = scratch({parts, tile});
  const auto all_sums = tape.scratch().template tensor<double>({parts, tile});
  const auto hits = scratch({tile}), greatest = scratch({tile}), shares = scratch({tile});
  const auto all_sums_dx = dx ? scratch({parts * tile, width}) : TensorView<Scalar>{};
  const auto all_scaled = dw ? scratch({executor.threads() * tile, width}) : TensorView<Scalar>{};
  const auto all_e = scratch({goes_on ? items : block * executor.threads(), tile});  // last: an arena doubles
  const MatrixView<const Scalar> in = x.value(), table = weight.value();
  const Scalar* const offsets = bias ? bias.value().data() : nullptr;
  const Scalar scale = static_cast<Scalar>(options.scale);
  double total = 0;
  for (Index from = 0; from < count; from += tile) {
    const Index tall = std::min(tile, count - from);
    const Index* const target = wanted + from;
    const auto here = all_x.rows(0, tall), here_t = all_x_t.columns(0, tall), e = all_e.columns(0, tall);
    const auto tops = all_tops.columns(0, tall), part_tops = all_part_tops.columns(0, tall),
               factors = all_factors.columns(0, tall);
    const auto sums = all_sums.columns(0, tall);
    for (Index r = 0; r < tall; ++r) {
      kernels::scale_forward<Scalar>(width, in.row(kept[from + r]), scale, 0, here.row(r));
    }
    kernels::transpose<Scalar>(here, here_t);
    executor.run_ranges(items, part, [&](Index begin, Index end, int worker) {
      const Index p = begin / part;
      std::fill_n(part_tops.row(p), tall, -std::numeric_limits<Scalar>::infinity());
      std::fill_n(sums.row(p), tall, 0.0);
      const auto sum_dx = dx ? all_sums_dx.rows(p * tile, p * tile + tall) : all_sums_dx.matrix();
      if (dx) std::fill_n(sum_dx.data(), tall * width, Scalar(0));
      for (Index c = begin; c < end; c += block) {
        const Index stop = std::min(c + block, end), at = goes_on ? c : worker * block;
        kernels::catalogue_exponentials<Scalar>(table.rows(c, stop), offsets == nullptr ? nullptr : offsets + c, here_t,
                                                c, target, e.rows(at, at + stop - c), part_tops.row(p), sums.row(p),
                                                hits.data(), sum_dx);
        std::copy_n(part_tops.row(p), tall, tops.row(c / block));
      }
    });
    total += kernels::catalogue_losses<Scalar>(part_tops, sums, hits.data(), greatest.data(), shares.data(), factors);
    if (goes_on) {
      executor.run_ranges(items, block, [&](Index begin, Index end, int worker) {
        kernels::catalogue_weight_gradients<Scalar>(
            e.rows(begin, end), tops.row(begin / block), greatest.data(), shares.data(), begin, target, here, from > 0,
            dw ? all_scaled.rows(worker * tile, worker * tile + tall) : all_scaled.matrix(),
            dw ? dw.rows(begin, end) : dw.matrix(), db ? db.data() + begin : nullptr);
      });
    }
    if (!dx) continue;
    constexpr Index grain = 16;
    executor.run_ranges(tall, grain, [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) {
        Scalar* const out = dx.row(from + r);
        kernels::scale_forward<Scalar>(width, table.row(target[r]), Scalar(-1), 0, out);
        for (Index p = 0; p < parts; ++p) {
          kernels::scale_backward<Scalar>(width, all_sums_dx.row(p * tile + r), factors(p, r), out);
        }
      }
    });
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
