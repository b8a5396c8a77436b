// SPDX-License-Identifier: Apache-2.0
// What stands between the item vectors of a history and a prediction: the part in which sequential models differ.
#pragma once

#include <concepts>

#include "heed/autograd/tape.hpp"
#include "heed/data/batch.hpp"
#include "heed/nn/module.hpp"
#include "heed/ops/gather.hpp"

namespace heed::inline HEED_ABI::recsys {

/// What an encoder makes of the histories of a batch.
template <class Scalar>
struct Encoded {
  Var<Scalar> states;       ///< [tokens, state_size()]: what each event has become; a pointer head attends to them
  Var<Scalar> queries;      ///< [queries, width()]: the user at each of the batch's queries
  Var<Scalar> summary;      ///< [queries, summary_size()]: what `queries` was made of, or these themselves
  Var<Scalar> attention{};  ///< weights over the history, the mean over the heads, when asked for and there: each
                            ///< sequence's [queries, keys], one after the other
};

/// A module that makes user vectors of item vectors. `x` [tokens, embed_dim] are the vectors of the batch's items, with
/// neither positions nor dropout. Where every position is a query (see `every_position`), a query must not see what
/// came after it.
template <class E>
concept Encoder = nn::Module<E> && requires(const E& encoder, Var<typename E::scalar_type> x, const data::Batch& batch,
                                            typename E::options_type options) {
  { encoder(x, batch, true) } -> std::same_as<Encoded<typename E::scalar_type>>;
  { encoder.width() } -> std::convertible_to<Index>;
  { encoder.state_size() } -> std::convertible_to<Index>;
  { encoder.summary_size() } -> std::convertible_to<Index>;
  options.embed_dim;
};

/// A query stands at every position of every history. (A history of one event has its end at every position.)
inline bool every_position(const data::Batch& batch) {
  return batch.query_segments == batch.segments && batch.segments.max_length() > 1;
}

/// The rows of `states` [tokens, features] at the batch's queries.
template <class Scalar>
Var<Scalar> at_queries(Var<Scalar> states, const data::Batch& batch) {
  return batch.query_segments == batch.segments ? states : gather(states, batch.query_rows);
}

}  // namespace heed::inline HEED_ABI::recsys
