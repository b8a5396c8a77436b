// SPDX-License-Identifier: Apache-2.0
// Losses over a catalogue, computed from the target and sampled negatives.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "heed/kernels/gemm.hpp"
#include "heed/kernels/sampled_loss.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/ops/detail/reduction.hpp"
#include "heed/ops/detail/sampled_tiles.hpp"

namespace heed::inline HEED_ABI {

using kernels::SampledLoss;

/// Sampled items, N for each row: shared by all rows, shared by the rows of each sequence, or separate for each row.
struct Negatives {
  std::span<const Index> items;         ///< [N], [sequences, N] or [rows, N]
  const Segments* sequences = nullptr;  ///< if given, the rows of each sequence share negatives
  bool each_row = false;                ///< whether each row has separate negatives

  static Negatives of_batch(std::span<const Index> items) { return {items}; }
  static Negatives of_sequences(std::span<const Index> items, const Segments& sequences) { return {items, &sequences}; }
  static Negatives of_rows(std::span<const Index> items) { return {items, nullptr, true}; }
};

struct SampledLossOptions {
  SampledLoss loss = SampledLoss::softmax;  ///< see kernels::SampledLoss for the formulas
  Index ignore_index = -100;                ///< rows with this target are excluded from the loss and from the mean
  Reduction reduction = Reduction::mean;    ///< mean over the rows, or sum
  double scale = 1;                         ///< factor of the products, not of the bias: 1 / temperature
  double calibration = 0.75;  ///< gBCE's t in [0, 1]: beta = a (t (1 - 1/a) + 1/a) with a = min(1, N / (items - 1)), so
                              ///< 0 is BCE and 1 calibrates the sigmoids to the whole catalogue
  Index catalogue = 0;        ///< number of items that negatives are drawn from, for gBCE's a; 0: those of the table
  bool hide_hits = true;      ///< whether to exclude negatives that equal the row's target
  std::span<const double> log_probabilities{};  ///< [items] or empty: of being sampled, subtracted from logits (logQ)

  void fields(auto&& visitor) {
    visitor("loss", loss, "ignore_index", ignore_index, "reduction", reduction, "scale", scale, "calibration",
            calibration, "catalogue", catalogue, "hide_hits", hide_hits, "log_probabilities", log_probabilities);
  }
};

namespace detail {

inline void check_negatives(Index rows, Index items, const Negatives& negatives, const SampledLossOptions& options) {
  constexpr const char* name = "sampled_loss";
  const Segments* const sequences = negatives.sequences;
  const Index sets = negatives.each_row ? rows : (sequences != nullptr ? sequences->count() : 1);
  const Index sampled = std::ssize(negatives.items);
  if ((sequences != nullptr && sequences->tokens() != rows) || (sets > 0 ? sampled % sets != 0 : sampled != 0)) {
    fail<ShapeError>(name, sampled, " negatives for ", sets, " sets do not fit ", rows, " rows",
                     sequences != nullptr ? message(" in sequences of ", sequences->tokens()) : "");
  }
  if (!(options.calibration >= 0 && options.calibration <= 1)) {
    fail<OptionError>(name, "calibration ", options.calibration, " is not in [0, 1]");
  }
  if (!options.log_probabilities.empty() && std::ssize(options.log_probabilities) != items) {
    fail<OptionError>(name, options.log_probabilities.size(), " log_probabilities for ", items, " items");
  }
  for (const double taken : options.log_probabilities) {
    if (!std::isfinite(taken)) fail<OptionError>(name, "a log_probability of ", taken);
  }
  for (Index i = 0; i < sampled; ++i) {
    const Index item = negatives.items[static_cast<std::size_t>(i)];
    if (item < 0 || item >= items) {
      fail<IndexError>(name, "negative ", item, " at position ", i, " is not one of ", items, " items");
    }
  }
}

/// Adds factor * sum_c slope_c w_c to dx, given the slopes (dloss/dlogit) [1 + N, rows] of each tile.
template <class Scalar>
void add_sampled_rows(Tape<Scalar>& tape, const SampledTiles& tiles, TensorView<const Scalar> slopes, Scalar factor,
                      TensorView<const Scalar> table, TensorView<Scalar> dx) {
  const Index width = table.cols(), most = SampledTiles::most, negatives = tiles.negatives;
  ArenaScope scope(tape.scratch());
  const Index threads = tiles.shared() ? tape.executor().threads() : 0;
  const auto sums = tape.scratch().template tensor<Scalar>({threads * most, width});
  GatheredNegatives<Scalar> gathered(tape.scratch(), tiles, table, threads);
  tape.executor().run(tiles.size, [&](Index t, int worker) {
    const auto all = tiles.part(slopes, 1 + negatives, t);
    const auto of_negatives = all.rows(1, 1 + negatives);
    const Index* const to = tiles.rows + tiles.begins[t];
    kernels::add_items<Scalar>(all.rows(0, 1), table, tiles.targets_of(t), factor, dx, to);
    if (!tiles.shared()) {
      kernels::add_items<Scalar>(of_negatives, table, tiles.items_of(t), factor, dx, to);
      return;
    }
    const auto sum = sums.rows(worker * most, worker * most + tiles.tall(t));
    kernels::gemm_tn<Scalar>(of_negatives, gathered.gather(t, worker), sum);
    for (Index r = 0; r < sum.rows(); ++r) kernels::add_scaled<Scalar>(width, sum.row(r), factor, dx.row(to[r]));
  });
}

/// Adds factor * sum_r slope_cr x_r to dtable_c. Ranges of columns run in parallel, each over the tiles in order, so
/// that the order of additions to each row of the table is fixed.
template <class Scalar>
void add_sampled_items(Tape<Scalar>& tape, const SampledTiles& tiles, TensorView<const Scalar> slopes, Scalar factor,
                       TensorView<const Scalar> x, TensorView<Scalar> dtable) {
  constexpr Index panel = 32;  // columns: two registers, as in a matrix product
  const Index most = SampledTiles::most, negatives = tiles.negatives, threads = tape.executor().threads();
  ArenaScope scope(tape.scratch());
  const Index workers = tiles.shared() ? threads : 0;
  const auto packs = tape.scratch().template tensor<Scalar>({workers * most, panel});
  const auto groups = tape.scratch().template tensor<Scalar>({workers * negatives, panel});
  // Without a matrix product, columns are summed independently, so each thread gets as many as possible.
  const Index grain = tiles.shared() ? panel : std::max(panel, ceil_divide(dtable.cols(), threads * panel) * panel);
  tape.executor().run_ranges(dtable.cols(), grain, [&](Index begin, Index end, int worker) {
    const auto from = x.columns(begin, end);
    const auto to = dtable.columns(begin, end);
    bool first = true;
    for (Index t = 0; t < tiles.size; ++t) {
      const Index* const rows = tiles.rows + tiles.begins[t];
      const auto all = tiles.part(slopes, 1 + negatives, t);
      const auto of_negatives = all.rows(1, 1 + negatives);
      kernels::scatter_items<Scalar>(all.rows(0, 1), from, rows, tiles.targets_of(t), factor, to);
      if (!tiles.shared()) {
        kernels::scatter_items<Scalar>(of_negatives, from, rows, tiles.items_of(t), factor, to);
        continue;
      }
      MatrixView<const Scalar> tile = tiles.rows_of(from, t);
      if (!tile) {
        const auto pack = packs.columns(0, end - begin).rows(worker * most, worker * most + tiles.tall(t));
        for (Index r = 0; r < pack.rows(); ++r) std::copy_n(from.row(rows[r]), pack.cols(), pack.row(r));
        tile = pack;
      }
      const auto sums = groups.columns(0, end - begin).rows(worker * negatives, (worker + 1) * negatives);
      kernels::gemm<Scalar>(of_negatives, tile, sums, {.accumulate = !first});
      first = tiles.ends_group(t);
      if (!first) continue;
      for (Index j = 0; j < negatives; ++j) {
        kernels::add_scaled<Scalar>(sums.cols(), sums.row(j), factor, to.row(tiles.items_of(t)[j]));
      }
    }
  });
}

/// Adds factor * sum_r slope_cr to dbias_c, in the order of the tiles.
template <class Scalar>
void add_sampled_biases(const SampledTiles& tiles, TensorView<const Scalar> slopes, Scalar factor, Scalar* dbias) {
  for (Index t = 0; t < tiles.size; ++t) {
    const auto all = tiles.part(slopes, 1 + tiles.negatives, t);
    for (Index r = 0; r < all.cols(); ++r) dbias[tiles.targets_of(t)[r]] += factor * all(0, r);
    for (Index j = 0; j < tiles.negatives; ++j) {
      for (Index r = 0; r < all.cols(); ++r) {
        dbias[tiles.items_of(t)[(tiles.shared() ? 0 : r * tiles.negatives) + j]] += factor * all(1 + j, r);
      }
    }
  }
}

}  // namespace detail

/// Returns the loss of rows of x for their targets and sampled negatives: x [.., d] (leading dimensions fold into
/// rows), weight [items, d], bias [items] or empty, targets [rows] -> loss []. The logit of candidate c is
/// scale x . w_c + bias_c - log_probability_c. Memory use is one element per row and candidate, not d elements. An
/// ignored row costs nothing; when every row is ignored, the loss and its gradients are 0. Throws ShapeError,
/// IndexError for a target or negative that is not an item, OptionError.
template <class Scalar>
Var<Scalar> sampled_loss(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias, std::span<const Index> targets,
                         const Negatives& negatives, const SampledLossOptions& options = {}) {
  constexpr const char* name = "sampled_loss";
  Tape<Scalar>& tape = tape_of(name, x, weight, bias);
  const Index width = x.cols(), items = weight.rows();
  detail::check_catalogue_loss(name, x, weight, bias, targets, options.ignore_index, options.reduction);
  detail::check_negatives(x.rows(), items, negatives, options);
  const detail::SampledTiles tiles = detail::cut_sampled_rows(tape, targets, options.ignore_index, negatives.items,
                                                              negatives.sequences, negatives.each_row);
  const Index sampled = tiles.negatives, most = detail::SampledTiles::most;
  const Index rest = (options.catalogue > 0 ? options.catalogue : items) - 1;
  const double odds = sampled < rest ? static_cast<double>(sampled) / static_cast<double>(rest) : 1;
  const double beta = options.calibration * (odds - 1) + 1;
  const auto y = tape.allocate({});
  const auto slopes = tape.allocate({tiles.count, 1 + sampled});
  weight.prepare(negatives.items);
  weight.prepare({tiles.targets, static_cast<std::size_t>(tiles.count)});
  const MatrixView<const Scalar> in = x.value(), table = weight.prepared();
  const Scalar scale = static_cast<Scalar>(options.scale);
  const auto offset = [&, biases = bias ? bias.value().data() : nullptr](Index item) {
    const double taken =
        options.log_probabilities.empty() ? 0 : options.log_probabilities[static_cast<std::size_t>(item)];
    return static_cast<Scalar>((biases != nullptr ? static_cast<double>(biases[item]) : 0) - taken);
  };
  ArenaScope scope(tape.scratch());
  const Index threads = tiles.shared() ? tape.executor().threads() : 0;
  const auto scratch = [&](const Shape& shape) { return tape.scratch().template tensor<Scalar>(shape); };
  const auto packs = scratch({threads * most, width}), transposes = scratch({threads * width, most});
  detail::GatheredNegatives<Scalar> gathered(tape.scratch(), tiles, table, threads);
  double* const losses = tape.scratch().template array<double>(tiles.size);
  tape.executor().run(tiles.size, [&](Index t, int worker) {
    const Index tall = tiles.tall(t);
    const Index* const rows = tiles.rows + tiles.begins[t];
    const MatrixView<Scalar> logits = tiles.part(slopes, 1 + sampled, t), others = logits.rows(1, 1 + sampled);
    const Index *const candidates = tiles.items_of(t), *const target = tiles.targets_of(t);
    const bool shifted = bias || !options.log_probabilities.empty();
    constexpr Scalar hidden = -std::numeric_limits<Scalar>::infinity();
    kernels::dot_items<Scalar>(in, rows, table, target, scale, logits.rows(0, 1));
    for (Index r = 0; shifted && r < tall; ++r) logits(0, r) += offset(target[r]);
    if (tiles.shared()) {
      const auto tile = packs.rows(worker * most, worker * most + tall);
      const auto across = transposes.rows(worker * width, (worker + 1) * width).columns(0, tall);
      for (Index r = 0; r < tall; ++r) kernels::scale_forward<Scalar>(width, in.row(rows[r]), scale, 0, tile.row(r));
      const auto gathered_rows = gathered.gather(t, worker);
      kernels::transpose<Scalar>(tile, across);
      kernels::gemm<Scalar>(gathered_rows, across, others);
      for (Index j = 0; j < sampled; ++j) {
        Scalar* const logit = others.row(j);
        const Index item = candidates[j];
        const Scalar shift = shifted ? offset(item) : Scalar(0);
        for (Index r = 0; shifted && r < tall; ++r) logit[r] += shift;
        bool hit = false;  // rare, so all rows are tested at once
        for (Index r = 0; r < tall; ++r) hit |= target[r] == item;
        for (Index r = 0; hit && options.hide_hits && r < tall; ++r) {
          if (target[r] == item) logit[r] = hidden;
        }
      }
    } else {
      kernels::dot_items<Scalar>(in, rows, table, candidates, scale, others);
      for (Index r = 0; r < tall; ++r) {
        for (Index j = 0; j < sampled; ++j) {
          const Index item = candidates[r * sampled + j];
          if (shifted) others(j, r) += offset(item);
          if (options.hide_hits && target[r] == item) others(j, r) = hidden;
        }
      }
    }
    losses[t] = kernels::sampled_losses<Scalar>(options.loss, beta, logits);
  });
  double total = 0;
  for (Index t = 0; t < tiles.size; ++t) total += losses[t];
  const bool mean = options.reduction == Reduction::mean && tiles.count > 0;
  y[0] = static_cast<Scalar>(mean ? total / static_cast<double>(tiles.count) : total);
  return record(tape, {x, weight, bias}, y, [=](const Gradients<Scalar>& g) {
    const Scalar up = mean ? g.output()[0] / static_cast<Scalar>(tiles.count) : g.output()[0];
    if (const auto dx = g(x)) detail::add_sampled_rows<Scalar>(g.tape(), tiles, slopes, up * scale, table, dx.matrix());
    if (const auto dw = g(weight)) detail::add_sampled_items<Scalar>(g.tape(), tiles, slopes, up * scale, in, dw);
    if (const auto db = g(bias)) detail::add_sampled_biases<Scalar>(tiles, slopes, up, db.data());
  });
}

}  // namespace heed::inline HEED_ABI
