// SPDX-License-Identifier: Apache-2.0
// What a model of the next item learns from: its states against the items that came next.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "heed/core/options.hpp"
#include "heed/data/batch.hpp"
#include "heed/ops/expand.hpp"
#include "heed/ops/gather.hpp"
#include "heed/ops/linear.hpp"
#include "heed/ops/linear_cross_entropy.hpp"
#include "heed/ops/normalize.hpp"
#include "heed/ops/sampled_loss.hpp"
#include "heed/ops/scale.hpp"
#include "heed/recsys/item_sampler.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The loss of a state's products with the item table.
struct NextItemLoss {
  enum class Kind {
    softmax,          ///< cross-entropy over the whole catalogue
    sampled_softmax,  ///< over the target and negatives drawn for each sequence (for each target where a query has
                      ///< several)
    bce,              ///< sigmoids of the target and of negatives drawn for each position (SASRec: one)
    gbce              ///< the same, calibrated (Petrov and Macdonald 2023, gSASRec)
  };
  Kind kind = Kind::softmax;
  Index negatives = 1;
  double popularity = 0;  ///< negatives are drawn as often as their count to this power, which sampled softmax
                          ///< corrects for (logQ: Yi et al. 2019); 0: uniformly
  bool in_batch = false;  ///< sampled softmax: the targets of the whole batch are negatives of each, beside
                          ///< `negatives` uniform ones for all (0: none), and logQ takes off how often an item is
                          ///< either (Yang et al. 2020). Memory: a number for each pair of a batch's targets
  bool exclude_history = false;  ///< a negative that the sequence has, target or not, is drawn again, 8 times at most
  double calibration = 0.75;     ///< of gbce
  double scale = 1;              ///< of the products: 1 / temperature
  bool cosine = false;           ///< states and item vectors are brought to length 1 first

  void fields(auto&& visitor) {
    visitor("kind", kind, "negatives", negatives, "popularity", popularity, "in_batch", in_batch, "exclude_history",
            exclude_history, "calibration", calibration, "scale", scale, "cosine", cosine);
  }
};
constexpr auto names(NextItemLoss::Kind) { return enum_names("softmax", "sampled_softmax", "bce", "gbce"); }

/// The products that the losses are of: state [queries, d], table [items, d], bias [items] or empty -> [queries,
/// items].
template <class Scalar>
Var<Scalar> next_item_logits(Var<Scalar> state, Var<Scalar> table, Var<Scalar> bias, const NextItemLoss& loss) {
  if (loss.cosine) {
    state = normalize(state);
    table = normalize(table);
  }
  if (loss.scale != 1) state = scale(state, loss.scale);
  return linear(state, table, bias);
}

namespace detail {

/// Draws the negatives of sets 0, 1, .. into `items`, N a set: a set for each sequence, or for each target.
template <class Draw>
void draw_negatives(Arena& scratch, const data::Batch& batch, bool by_sequence, bool exclude_history, Index catalogue,
                    Index negatives, std::span<Index> items, const Draw& draw) {
  const auto size = static_cast<std::uint64_t>(items.size());
  if (!exclude_history) {
    for (std::uint64_t i = 0; i < size; ++i) items[i] = draw(i);
    return;
  }
  const Segments &histories = batch.segments, &queries = batch.query_segments, &targets = batch.target_segments;
  if (queries.count() != histories.count() || queries.tokens() != targets.count()) {
    fail<ShapeError>("next_item_loss", histories.count(), " histories, queries of ", queries.count(), ", ",
                     targets.count(), " targets' segments of ", queries.tokens(), " queries do not fit");
  }
  ArenaScope scope(scratch);
  bool* const seen = scratch.array<bool>(catalogue);
  std::fill_n(seen, catalogue, false);
  for (Index b = 0; b < histories.count(); ++b) {
    const auto first_target = [&](Index query) {
      return query < targets.count() ? targets.begin(query) : targets.tokens();
    };
    const Index begin = first_target(queries.begin(b)), end = first_target(queries.end(b));
    const auto mark = [&](bool as) {
      const auto each = [&](std::span<const Index> from, Index first, Index last) {
        for (Index i = first; i < last; ++i) {
          const Index item = from[static_cast<std::size_t>(i)];
          if (item >= 0 && item < catalogue) seen[item] = as;
        }
      };
      each(batch.items, histories.begin(b), histories.end(b));
      each(batch.targets, begin, end);
    };
    mark(true);
    const auto first = static_cast<std::uint64_t>((by_sequence ? b : begin) * negatives);
    const auto last = static_cast<std::uint64_t>((by_sequence ? b + 1 : end) * negatives);
    for (std::uint64_t i = first; i < last; ++i) {
      items[i] = draw(i);
      for (std::uint64_t again = 1; seen[items[i]] && again <= 8; ++again) items[i] = draw(i + again * size);
    }
    mark(false);
  }
}

/// Numbers the items of `targets` and `negatives`, all of the catalogue, anew, in the order in which they are met, and
/// returns which they were.
inline std::span<const Index> number_anew(Arena& scratch, Index catalogue, std::span<Index> targets,
                                          std::span<Index> negatives) {
  Index* const met = scratch.array<Index>(static_cast<Index>(targets.size() + negatives.size()));
  std::size_t count = 0;
  ArenaScope scope(scratch);
  std::int32_t* const places = scratch.array<std::int32_t>(catalogue);
  std::fill_n(places, catalogue, -1);
  for (const std::span<Index> items : {targets, negatives}) {
    for (Index& item : items) {
      std::int32_t& place = places[item];
      if (place < 0) {
        place = static_cast<std::int32_t>(count);
        met[count++] = item;
      }
      item = place;
    }
  }
  return {met, count};
}

}  // namespace detail

/// Mean over all targets. state [queries, d], table [items, d], bias [items] or empty -> []. The negatives come from
/// `Tape::next_random`, by `sampler` where the loss draws by popularity; where it takes the batch's, `sampler` tells
/// how often each item is a target. Of a sampled loss, cosines too cost the rows that are compared, not the whole
/// table. Throws ShapeError, OptionError, IndexError for a target that is no item.
template <class Scalar>
Var<Scalar> next_item_loss(Var<Scalar> state, Var<Scalar> table, Var<Scalar> bias, const data::Batch& batch,
                           const NextItemLoss& loss, const ItemSampler* sampler = nullptr) {
  using Kind = NextItemLoss::Kind;
  if (loss.in_batch && (loss.kind != Kind::sampled_softmax || loss.popularity != 0 || loss.exclude_history)) {
    fail<OptionError>("next_item_loss", "in_batch is of sampled_softmax, without popularity and exclude_history");
  }
  const Segments& target_segments = batch.target_segments;
  const bool one_each = target_segments.count() == state.rows() && target_segments.tokens() == state.rows() &&
                        target_segments.max_length() <= 1;
  if (loss.cosine) state = normalize(state);
  if (!one_each) state = expand(state, target_segments);
  if (loss.kind == Kind::softmax) {
    if (loss.cosine) table = normalize(table);
    return linear_cross_entropy(state, table, bias, batch.targets, {.scale = loss.scale});
  }
  if (loss.negatives < (loss.in_batch ? 0 : 1)) fail<OptionError>("next_item_loss", "negatives ", loss.negatives);
  const Index catalogue = table.rows();
  const bool popular = loss.popularity != 0;
  if ((popular || loss.in_batch) && (sampler == nullptr || sampler->num_items() != catalogue)) {
    fail<OptionError>("next_item_loss", "negatives by popularity or of the batch need a sampler of ", catalogue,
                      " items, got ", sampler == nullptr ? 0 : sampler->num_items());
  }
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    if (const Index target = batch.targets[i]; target < 0 || target >= catalogue) {
      fail<IndexError>("next_item_loss", "target ", target, " of row ", i, " is not one of ", catalogue, " items");
    }
  }
  Tape<Scalar>& tape = state.tape();
  // Sequences of queries are sequences of targets where every query has one.
  const bool by_sequence = one_each && loss.kind == Kind::sampled_softmax && !loss.in_batch;
  const Index sets = loss.in_batch ? 1 : by_sequence ? batch.query_segments.count() : state.rows();
  const std::size_t given = loss.in_batch ? batch.targets.size() : 0;
  ArenaScope scope(tape.scratch());
  const auto room = [&]<class T>(T, std::size_t count) {
    return std::span<T>(tape.scratch().template array<T>(static_cast<Index>(count)), count);
  };
  const auto items = room(Index{}, given + static_cast<std::size_t>(sets * loss.negatives));
  std::copy_n(batch.targets.begin(), given, items.begin());
  detail::draw_negatives(tape.scratch(), batch, by_sequence, loss.exclude_history, catalogue, loss.negatives,
                         items.subspan(given), [&, random = tape.next_random()](std::uint64_t i) {
                           return popular ? (*sampler)(random, i) : random.below(i, catalogue);
                         });
  SampledLossOptions options{.loss = loss.kind == Kind::sampled_softmax ? SampledLoss::softmax
                                     : loss.kind == Kind::bce           ? SampledLoss::bce
                                                                        : SampledLoss::gbce,
                             .scale = loss.scale,
                             .calibration = loss.calibration,
                             .catalogue = catalogue};
  if (popular && loss.kind == Kind::sampled_softmax) options.log_probabilities = sampler->log_probabilities();
  if (loss.in_batch) {
    const auto either = room(double{}, static_cast<std::size_t>(catalogue));
    std::fill(either.begin(), either.end(), 0.0);
    const double taken = static_cast<double>(std::max<std::size_t>(given, 1));
    const double drawn = static_cast<double>(loss.negatives) / static_cast<double>(catalogue);
    for (const Index item : items) {  // nobody asks for the others'
      const auto i = static_cast<std::size_t>(item);
      either[i] = std::log(taken * std::exp(sampler->log_probabilities()[i]) + drawn);
    }
    options.log_probabilities = either;
  }
  std::span<const Index> targets = batch.targets;
  if (loss.cosine) {
    const auto renumbered = room(Index{}, targets.size());
    std::copy(targets.begin(), targets.end(), renumbered.begin());
    const auto met = detail::number_anew(tape.scratch(), catalogue, renumbered, items);
    targets = renumbered;
    table = normalize(gather(table, met));
    if (bias) bias = gather(bias, met);
    if (!options.log_probabilities.empty()) {
      const auto taken = room(double{}, met.size());
      for (std::size_t i = 0; i < met.size(); ++i) {
        taken[i] = options.log_probabilities[static_cast<std::size_t>(met[i])];
      }
      options.log_probabilities = taken;
    }
  }
  return sampled_loss(state, table, bias, targets,
                      loss.in_batch ? Negatives::of_batch(items)
                      : by_sequence ? Negatives::of_sequences(items, batch.query_segments)
                                    : Negatives::of_rows(items),
                      options);
}

}  // namespace heed::inline HEED_ABI::recsys
