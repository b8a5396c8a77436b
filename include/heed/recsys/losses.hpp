// SPDX-License-Identifier: Apache-2.0
// The losses of a next-item model: its states against the target items.
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

/// The loss of a state's inner products with the item table.
struct NextItemLoss {
  enum class Kind {
    softmax,          ///< cross-entropy over the whole catalogue
    sampled_softmax,  ///< over the target and negatives sampled per sequence (per target if a query has several)
    bce,              ///< sigmoids of the target and of negatives sampled per position (SASRec: one)
    gbce              ///< the same, calibrated (Petrov and Macdonald 2023, gSASRec)
  };
  Kind kind = Kind::softmax;
  Index negatives = 1;
  double popularity = 0;  ///< sampling probabilities are proportional to counts to this power, corrected in sampled
                          ///< softmax by logQ (Yi et al. 2019); 0: uniform
  bool in_batch = false;  ///< sampled softmax: all targets of the batch are negatives of each other, besides
                          ///< `negatives` uniform ones shared by all (0: none); logQ corrects for both (Yang et al.
                          ///< 2020). Memory: a number per pair of targets of a batch
  bool exclude_history = false;  ///< negatives that are in the sequence or its targets are resampled, at most 8 times
  double calibration = 0.75;     ///< of gbce
  double scale = 1;              ///< factor of the products: 1 / temperature
  bool cosine = false;           ///< normalises states and item vectors to length 1

  void fields(auto&& visitor) {
    visitor("kind", kind, "negatives", negatives, "popularity", popularity, "in_batch", in_batch, "exclude_history",
            exclude_history, "calibration", calibration, "scale", scale, "cosine", cosine);
  }
};
constexpr auto names(NextItemLoss::Kind) { return enum_names("softmax", "sampled_softmax", "bce", "gbce"); }

/// Returns the inner products used by the losses: state [queries, d], table [items, d], bias [items] or empty ->
/// [queries, items].
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

/// Allocates uninitialised scratch memory.
template <class T>
std::span<T> scratch_span(Arena& scratch, std::size_t count) {
  return {scratch.array<T>(static_cast<Index>(count)), count};
}

/// Samples sets 0, 1, .. of N negatives into `items`, one set per sequence or per target.
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
    fail<ShapeError>("next_item_loss", "queries of ", queries.count(), " sequences for ", histories.count(),
                     " histories, targets of ", targets.count(), " queries for ", queries.tokens());
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

/// Replaces the items in `targets` and `negatives`, ids of the catalogue, by indices in order of first occurrence, and
/// returns the item of each index.
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

/// Throws OptionError for inconsistent options or a wrong sampler, IndexError for a target outside the catalogue.
inline void check_next_item_loss(const NextItemLoss& loss, std::span<const Index> targets, Index catalogue,
                                 const ItemSampler* sampler) {
  using Kind = NextItemLoss::Kind;
  if (loss.in_batch && (loss.kind != Kind::sampled_softmax || loss.popularity != 0 || loss.exclude_history)) {
    fail<OptionError>("next_item_loss", "in_batch requires sampled_softmax without popularity and exclude_history");
  }
  if (loss.kind == Kind::softmax) return;
  if (loss.negatives < (loss.in_batch ? 0 : 1)) fail<OptionError>("next_item_loss", "negatives ", loss.negatives);
  if ((loss.popularity != 0 || loss.in_batch) && (sampler == nullptr || sampler->num_items() != catalogue)) {
    fail<OptionError>("next_item_loss", "popularity and in-batch negatives require a sampler of ", catalogue,
                      " items, got ", sampler == nullptr ? 0 : sampler->num_items());
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] < 0 || targets[i] >= catalogue) {
      fail<IndexError>("next_item_loss", "target ", targets[i], " of row ", i, " is not one of ", catalogue, " items");
    }
  }
}

/// Negatives in scratch memory, where their items can be replaced by indices, and the rows that share them.
struct SampledNegatives {
  std::span<Index> items;
  Negatives negatives;
};

/// Samples the negatives of a batch; `one_each`: every query has one target.
inline SampledNegatives draw(Arena& scratch, const data::Batch& batch, const NextItemLoss& loss, bool one_each,
                             Index catalogue, const ItemSampler* sampler, const Random& random) {
  // With one target per query, the sequences of queries are also the sequences of targets.
  const bool by_sequence = one_each && loss.kind == NextItemLoss::Kind::sampled_softmax && !loss.in_batch;
  const Index sets = loss.in_batch ? 1 : by_sequence ? batch.query_segments.count() : batch.target_segments.tokens();
  const std::size_t given = loss.in_batch ? batch.targets.size() : 0;
  const auto items = scratch_span<Index>(scratch, given + static_cast<std::size_t>(sets * loss.negatives));
  std::copy_n(batch.targets.begin(), given, items.begin());
  draw_negatives(
      scratch, batch, by_sequence, loss.exclude_history, catalogue, loss.negatives, items.subspan(given),
      [&](std::uint64_t i) { return loss.popularity != 0 ? (*sampler)(random, i) : random.below(i, catalogue); });
  return {items, loss.in_batch ? Negatives::of_batch(items)
                 : by_sequence ? Negatives::of_sequences(items, batch.query_segments)
                               : Negatives::of_rows(items)};
}

/// Returns the logarithm of each item's sampling probability, [items], or empty if the loss does not correct for it.
/// With in-batch negatives only the entries of `items`, the negatives, are set.
inline std::span<const double> log_q(Arena& scratch, const NextItemLoss& loss, std::size_t targets,
                                     std::span<const Index> items, const ItemSampler* sampler) {
  if (loss.kind != NextItemLoss::Kind::sampled_softmax) return {};
  if (loss.popularity != 0) return sampler->log_probabilities();
  if (!loss.in_batch) return {};
  const auto catalogue = static_cast<std::size_t>(sampler->num_items());
  const auto out = scratch_span<double>(scratch, catalogue);
  std::fill(out.begin(), out.end(), 0.0);
  // The expected numbers of occurrences as a target of the batch and as a uniform sample add up.
  const double taken = static_cast<double>(std::max<std::size_t>(targets, 1));
  const double drawn = static_cast<double>(loss.negatives) / static_cast<double>(catalogue);
  for (const Index item : items) {
    const auto i = static_cast<std::size_t>(item);
    out[i] = std::log(taken * std::exp(sampler->log_probabilities()[i]) + drawn);
  }
  return out;
}

/// The inputs of a sampled loss apart from the states.
template <class Scalar>
struct Candidates {
  Var<Scalar> table, bias;
  std::span<const Index> targets;
  std::span<const double> log_probabilities;  ///< [items], or empty
};

/// Returns candidates whose table has only the normalised vectors of the targets and negatives, renumbered.
template <class Scalar>
Candidates<Scalar> compact_for_cosine(Arena& scratch, const Candidates<Scalar>& all, std::span<Index> negatives) {
  const auto targets = scratch_span<Index>(scratch, all.targets.size());
  std::copy(all.targets.begin(), all.targets.end(), targets.begin());
  const auto met = number_anew(scratch, all.table.rows(), targets, negatives);
  const auto taken = scratch_span<double>(scratch, all.log_probabilities.empty() ? 0 : met.size());
  for (std::size_t i = 0; i < taken.size(); ++i) taken[i] = all.log_probabilities[static_cast<std::size_t>(met[i])];
  return {normalize(gather(all.table, met)), all.bias ? gather(all.bias, met) : all.bias, targets, taken};
}

}  // namespace detail

/// Returns the mean loss over all targets. state [queries, d], table [items, d], bias [items] or empty -> []. Negatives
/// are sampled with `Tape::next_random`, with `sampler` if `popularity` is not 0; with in-batch negatives `sampler`
/// gives the frequencies of targets. Sampled losses with cosines normalise only the rows that they use. Throws
/// ShapeError, OptionError, and IndexError for a target outside the catalogue.
template <class Scalar>
Var<Scalar> next_item_loss(Var<Scalar> state, Var<Scalar> table, Var<Scalar> bias, const data::Batch& batch,
                           const NextItemLoss& loss, const ItemSampler* sampler = nullptr) {
  using Kind = NextItemLoss::Kind;
  const Index catalogue = table.rows();
  detail::check_next_item_loss(loss, batch.targets, catalogue, sampler);
  const Segments& segments = batch.target_segments;
  const bool one_each =
      segments.count() == state.rows() && segments.tokens() == state.rows() && segments.max_length() <= 1;
  if (loss.cosine) state = normalize(state);
  if (!one_each) state = expand(state, segments);
  if (loss.kind == Kind::softmax) {
    return linear_cross_entropy(state, loss.cosine ? normalize(table) : table, bias, batch.targets,
                                {.scale = loss.scale});
  }
  Tape<Scalar>& tape = state.tape();
  Arena& scratch = tape.scratch();
  ArenaScope scope(scratch);
  const auto [items, negatives] = detail::draw(scratch, batch, loss, one_each, catalogue, sampler, tape.next_random());
  detail::Candidates<Scalar> candidates{table, bias, batch.targets,
                                        detail::log_q(scratch, loss, batch.targets.size(), items, sampler)};
  if (loss.cosine) candidates = detail::compact_for_cosine(scratch, candidates, items);
  return sampled_loss(state, candidates.table, candidates.bias, candidates.targets, negatives,
                      {.loss = loss.kind == Kind::sampled_softmax ? SampledLoss::softmax
                               : loss.kind == Kind::bce           ? SampledLoss::bce
                                                                  : SampledLoss::gbce,
                       .scale = loss.scale,
                       .calibration = loss.calibration,
                       .catalogue = catalogue,
                       .log_probabilities = candidates.log_probabilities});
}

}  // namespace heed::inline HEED_ABI::recsys
