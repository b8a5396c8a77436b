// SPDX-License-Identifier: Apache-2.0
// Cross-entropy over a catalogue, fused with the linear layer that computes its logits.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include "heed/kernels/linear_cross_entropy.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/detail/reduction.hpp"

namespace heed::inline HEED_ABI {

struct LinearCrossEntropyOptions {
  Index ignore_index = -100;              ///< rows with this target are excluded from the loss and from the mean
  Reduction reduction = Reduction::mean;  ///< or sum
  double scale = 1;                       ///< factor of the products, not of the bias: 1 / temperature

  void fields(auto&& visitor) { visitor("ignore_index", ignore_index, "reduction", reduction, "scale", scale); }
};

namespace detail {

/// Adds factor * y to dx in chunks of rows: row i of y to row `at[i]` of dx, or to row i if `at` is null.
template <class Scalar>
void add_scaled_rows(Tape<Scalar>& tape, TensorView<const Scalar> y, Scalar factor, const Index* at,
                     TensorView<Scalar> dx) {
  tape.executor().run_ranges(y.rows(), row_grain, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      kernels::add_scaled<Scalar>(y.cols(), y.row(i), factor, dx.row(at == nullptr ? i : at[i]));
    }
  });
}

/// Computes losses over a catalogue and their gradients, one tile of rows at a time, in scratch buffers.
template <class Scalar>
class CatalogueLosses {
 public:
  struct Problem {
    MatrixView<const Scalar> x, weight;  ///< [rows, d], [items, d]
    const Scalar* bias;                  ///< [items], or null
    const Index *rows, *targets;         ///< [count]: the rows of x that are not ignored; [rows]
    Index count;
    Scalar scale;
    MatrixView<Scalar> dx, dweight;  ///< gradients of the sum of losses: [count, d], [items, d]; empty if not needed
    Scalar* dbias;                   ///< [items], or null
  };

  CatalogueLosses(Tape<Scalar>& tape, const Problem& problem)
      : p_(problem),
        executor_(tape.executor()),
        scope_(tape.scratch()),
        items_(p_.weight.rows()),
        width_(p_.weight.cols()),
        keeps_exponentials_(p_.dweight || p_.dbias != nullptr) {
    const Index blocks = ceil_divide(items_, block);
    part_ = ceil_divide(blocks, 16) * block;
    parts_ = items_ > 0 ? ceil_divide(items_, part_) : 0;
    Arena& arena = tape.scratch();
    const auto matrix = [&](Index rows, Index cols) { return arena.tensor<Scalar>({rows, cols}).matrix(); };
    targets_ = arena.array<Index>(p_.count);
    for (Index i = 0; i < p_.count; ++i) targets_[i] = p_.targets[p_.rows[i]];
    x_ = matrix(height, width_);
    x_t_ = matrix(width_, height);
    block_top_ = matrix(blocks, height);
    part_top_ = matrix(parts_, height);
    part_factor_ = matrix(parts_, height);
    part_sum_ = arena.tensor<double>({parts_, height});
    hit_ = arena.array<Scalar>(height);
    greatest_ = arena.array<Scalar>(height);
    share_ = arena.array<Scalar>(height);
    if (p_.dx) part_dx_ = matrix(parts_ * height, width_);
    if (p_.dweight) scaled_ = matrix(executor_.threads() * height, width_);
    e_ = matrix(keeps_exponentials_ ? items_ : block * executor_.threads(), height);  // the largest last: arenas double
  }

  /// Returns the sum of the losses, and writes their gradients.
  double run() {
    double total = 0;
    for (Index from = 0; from < p_.count; from += height) {
      const Tile tile{from, std::min(height, p_.count - from), targets_ + from};
      exponentials(tile);
      total += kernels::catalogue_losses<Scalar>(part_top_.columns(0, tile.rows), part_sum_.columns(0, tile.rows), hit_,
                                                 greatest_, share_, part_factor_.columns(0, tile.rows));
      if (keeps_exponentials_) weight_gradients(tile);
      if (p_.dx) row_gradients(tile);
    }
    return total;
  }

 private:
  static constexpr Index height = kernels::catalogue_tile, block = kernels::catalogue_block;

  struct Tile {
    Index from, rows;      ///< among the rows that are not ignored
    const Index* targets;  ///< [rows]
  };

  /// Computes a tile's exponentials, their sums and, if needed, the gradients of its rows over each part of the items.
  void exponentials(const Tile& tile) {
    const auto x = x_.rows(0, tile.rows), x_t = x_t_.columns(0, tile.rows), e = e_.columns(0, tile.rows);
    for (Index r = 0; r < tile.rows; ++r) {
      kernels::scale_forward<Scalar>(width_, p_.x.row(p_.rows[tile.from + r]), p_.scale, 0, x.row(r));
    }
    kernels::transpose<Scalar>(x, x_t);
    executor_.run_ranges(items_, part_, [&](Index begin, Index end, int worker) {
      const Index p = begin / part_;
      std::fill_n(part_top_.row(p), tile.rows, -std::numeric_limits<Scalar>::infinity());
      std::fill_n(part_sum_.row(p), tile.rows, 0.0);
      const auto dx = part_dx_.rows(p * height, p * height + tile.rows);
      std::fill_n(dx.data(), dx.size(), Scalar(0));
      for (Index c = begin; c < end; c += block) {
        const Index stop = std::min(c + block, end), at = keeps_exponentials_ ? c : worker * block;
        kernels::catalogue_exponentials<Scalar>(p_.weight.rows(c, stop), p_.bias == nullptr ? nullptr : p_.bias + c,
                                                x_t, c, tile.targets, e.rows(at, at + stop - c), part_top_.row(p),
                                                part_sum_.row(p), hit_, dx);
        std::copy_n(part_top_.row(p), tile.rows, block_top_.row(c / block));
      }
    });
  }
  void weight_gradients(const Tile& tile) {
    executor_.run_ranges(items_, block, [&](Index begin, Index end, int worker) {
      kernels::catalogue_weight_gradients<Scalar>(
          e_.columns(0, tile.rows).rows(begin, end), block_top_.row(begin / block), greatest_, share_, begin,
          tile.targets, x_.rows(0, tile.rows), tile.from > 0,
          scaled_.rows(worker * height, worker * height + tile.rows), p_.dweight.rows(begin, end),
          p_.dbias == nullptr ? nullptr : p_.dbias + begin);
    });
  }
  /// Adds up the gradients of the parts, scaled to probabilities, and subtracts the targets' rows.
  void row_gradients(const Tile& tile) {
    constexpr Index grain = 16;
    executor_.run_ranges(tile.rows, grain, [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) {
        Scalar* const out = p_.dx.row(tile.from + r);
        kernels::scale_forward<Scalar>(width_, p_.weight.row(tile.targets[r]), Scalar(-1), 0, out);
        for (Index p = 0; p < parts_; ++p) {
          kernels::add_scaled<Scalar>(width_, part_dx_.row(p * height + r), part_factor_(p, r), out);
        }
      }
    });
  }

  const Problem p_;
  Executor& executor_;
  const ArenaScope scope_;
  const Index items_, width_;
  const bool keeps_exponentials_;  ///< whether to keep those of all items, for the weight's gradient
  /// Items per part, summed by one worker (whole blocks), and number of parts (at most 16); both depend on items_ only.
  Index part_, parts_;
  Index* targets_;                                         ///< [count]
  MatrixView<Scalar> x_, x_t_;                             ///< a tile's rows, scaled [tile, d]; transposed
  MatrixView<Scalar> e_;                                   ///< [items, tile], or [block, tile] per worker
  MatrixView<Scalar> block_top_, part_top_, part_factor_;  ///< [blocks, tile], [parts, tile], [parts, tile]
  MatrixView<double> part_sum_;                            ///< [parts, tile]
  MatrixView<Scalar> part_dx_, scaled_;                    ///< [parts tile, d]; [workers tile, d]
  Scalar *hit_, *greatest_, *share_;                       ///< [tile]: see kernels/linear_cross_entropy.hpp
};

}  // namespace detail

/// Returns cross_entropy(scale x weight^T + bias, targets): x [.., d] (leading dimensions fold into rows), weight
/// [items, d], bias [items] or empty, targets [rows] -> loss []. The logits are never stored: besides the gradients,
/// memory use is 64 elements per item, and 64 rows of d for each of up to 16 parts of the items and each thread. While
/// the tape records, the forward pass also computes the gradients, as it has the exponentials; `backward` only scales
/// them. An ignored row costs nothing. When every row is ignored, the loss and its gradients are 0. To exclude items (a
/// padding row), pass a slice of the table. Throws ShapeError, IndexError for a target that is not an item, OptionError
/// for Reduction::none.
template <class Scalar>
Var<Scalar> linear_cross_entropy(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias, std::span<const Index> targets,
                                 const LinearCrossEntropyOptions& options = {}) {
  constexpr const char* name = "linear_cross_entropy";
  Tape<Scalar>& tape = tape_of(name, x, weight, bias);
  const Index rows = x.rows(), width = x.cols(), items = weight.rows();
  const Index count =
      detail::check_catalogue_loss(name, x, weight, bias, targets, options.ignore_index, options.reduction);
  // The rows that are not ignored.
  Index* const kept = tape.template allocate_array<Index>(count);
  const auto y = tape.allocate({});
  const auto gradient_of = [&](Var<Scalar> v, const Shape& shape) {
    return v && v.requires_grad() ? tape.allocate(shape) : TensorView<Scalar>{};
  };
  const auto dx = gradient_of(x, {count, width}), dw = gradient_of(weight, {items, width}),
             db = gradient_of(bias, {items});

  for (Index i = 0, n = 0; i < rows; ++i) {
    if (targets[static_cast<std::size_t>(i)] != options.ignore_index) kept[n++] = i;
  }
  const Scalar scale = static_cast<Scalar>(options.scale);
  const double total = detail::CatalogueLosses<Scalar>(tape, {.x = x.value(),
                                                              .weight = weight.value(),
                                                              .bias = bias ? bias.value().data() : nullptr,
                                                              .rows = kept,
                                                              .targets = targets.data(),
                                                              .count = count,
                                                              .scale = scale,
                                                              .dx = dx,
                                                              .dweight = dw,
                                                              .dbias = db.data()})
                           .run();
  const bool mean = options.reduction == Reduction::mean;
  y[0] = static_cast<Scalar>(mean && count > 0 ? total / static_cast<double>(count) : total);
  return record(tape, {x, weight, bias}, y, [=](const Gradients<Scalar>& g) {
    if (count == 0) return;
    const Scalar up = mean ? g.output()[0] / static_cast<Scalar>(count) : g.output()[0];
    if (dx) detail::add_scaled_rows<Scalar>(g.tape(), dx, up * scale, kept, g(x).matrix());
    if (dw) detail::add_scaled_rows<Scalar>(g.tape(), dw, up, nullptr, g(weight));
    if (db) kernels::add_scaled<Scalar>(items, db.data(), up, g(bias).data());
  });
}

}  // namespace heed::inline HEED_ABI
