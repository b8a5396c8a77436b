// SPDX-License-Identifier: Apache-2.0
// What a model of the next item learns from: its states against the items that came next.
#pragma once

#include "heed/data/batch.hpp"
#include "heed/ops/expand.hpp"
#include "heed/ops/linear_cross_entropy.hpp"
#include "heed/ops/sampled_loss.hpp"

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
  Index negatives = 1;        ///< drawn uniformly from the catalogue
  double calibration = 0.75;  ///< of gbce
  double scale = 1;           ///< of the products: 1 / temperature
};

/// Mean over all targets. state [queries, d], table [items, d] -> []. The negatives come from `Tape::next_random`.
template <class Scalar>
Var<Scalar> next_item_loss(Var<Scalar> state, Var<Scalar> table, const data::Batch& batch, const NextItemLoss& loss) {
  using Kind = NextItemLoss::Kind;
  const Segments& targets = batch.target_segments;
  const bool one_each =
      targets.count() == state.rows() && targets.tokens() == state.rows() && targets.max_length() <= 1;
  if (!one_each) state = expand(state, targets);
  if (loss.kind == Kind::softmax) {
    return linear_cross_entropy(state, table, Var<Scalar>(), batch.targets, {.scale = loss.scale});
  }
  if (loss.negatives <= 0) fail<OptionError>("next_item_loss", message("negatives ", loss.negatives));
  Tape<Scalar>& tape = state.tape();
  // Sequences of queries are sequences of targets where every query has one.
  const bool by_sequence = one_each && loss.kind == Kind::sampled_softmax;
  const Index sets = by_sequence ? batch.query_segments.count() : state.rows();
  ArenaScope scope(tape.scratch());
  const std::span<Index> items(tape.scratch().template array<Index>(sets * loss.negatives),
                               static_cast<std::size_t>(sets * loss.negatives));
  const Random random = tape.next_random();
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = random.below(i, table.rows());
  return sampled_loss(state, table, Var<Scalar>(), batch.targets,
                      by_sequence ? Negatives::of_sequences(items, batch.query_segments) : Negatives::of_rows(items),
                      {.loss = loss.kind == Kind::sampled_softmax ? SampledLoss::softmax
                               : loss.kind == Kind::bce           ? SampledLoss::bce
                                                                  : SampledLoss::gbce,
                       .scale = loss.scale,
                       .calibration = loss.calibration});
}

}  // namespace heed::inline HEED_ABI::recsys
