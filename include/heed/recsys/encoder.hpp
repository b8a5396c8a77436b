// SPDX-License-Identifier: Apache-2.0
// The encoder maps the item vectors of a history to user vectors: the part in which sequential models differ.
#pragma once

#include <concepts>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/nn/module.hpp"
#include "heed/ops/gather.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The output of an encoder for a batch of histories.
template <class Scalar>
struct Encoded {
  Var<Scalar> states;       ///< [tokens, state_size()]: one state per event, the keys of a pointer head
  Var<Scalar> queries;      ///< [queries, width()]: the user vector at each query of the batch
  Var<Scalar> summary;      ///< [queries, summary_size()]: the input of the layer that computes `queries`, or `queries`
  Var<Scalar> attention{};  ///< weights over the history, averaged over the heads, if requested and available: the
                            ///< [queries, keys] of each sequence, concatenated
};

/// A module that maps item vectors to user vectors. `x` [tokens, embed_dim] are the vectors of the batch's items,
/// without positions or dropout. If every position is a query (see `every_position`), a query must not see later
/// events.
template <class E>
concept Encoder = nn::Module<E> && requires(const E& encoder, Var<typename E::scalar_type> x, const data::Batch& batch,
                                            typename E::options_type options) {
  { encoder(x, batch, true) } -> std::same_as<Encoded<typename E::scalar_type>>;
  { encoder.width() } -> std::convertible_to<Index>;
  { encoder.state_size() } -> std::convertible_to<Index>;
  { encoder.summary_size() } -> std::convertible_to<Index>;
  options.embed_dim;
};

/// Returns whether there is a query at every position; false if no history has more than one event.
inline bool every_position(const data::Batch& batch) {
  return batch.query_segments == batch.segments && batch.segments.max_length() > 1;
}

/// Returns the rows of `states` [tokens, features] at the queries of the batch.
template <class Scalar>
Var<Scalar> at_queries(Var<Scalar> states, const data::Batch& batch) {
  return batch.query_segments == batch.segments ? states : gather(states, batch.query_rows);
}

}  // namespace heed::inline HEED_ABI::recsys
