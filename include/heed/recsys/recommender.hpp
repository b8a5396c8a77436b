// SPDX-License-Identifier: Apache-2.0
// The interface of a neural recommender for training, evaluation and serving.
#pragma once

#include <algorithm>
#include <concepts>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/nn/module.hpp"

namespace heed::inline HEED_ABI::recsys {

/// A module over a catalogue of `num_items()`, with a `loss` [] of a batch's targets and a `score` for each item at
/// each query, written to [queries, items]. `max_length()`, if present, is the maximum length of a history. NextItem
/// with any encoder is a Recommender, and so is DIN.
template <class M>
concept Recommender = nn::Module<M> && requires(const M& model, Tape<typename M::scalar_type>& tape,
                                                const data::Batch& batch, TensorView<typename M::scalar_type> scores) {
  { model.num_items() } -> std::convertible_to<Index>;
  { model.loss(tape, batch) } -> std::same_as<Var<typename M::scalar_type>>;
  model.score(tape, batch, scores);
};

/// Returns `most`, limited by the `max_length()` of `model` if it has one.
template <class Model>
Index seen_length(const Model& model, Index most) {
  if constexpr (requires { model.max_length(); }) return std::min<Index>(most, model.max_length());
  return most;
}

}  // namespace heed::inline HEED_ABI::recsys
