// SPDX-License-Identifier: Apache-2.0
// The repeat-aware head: attention over the items that the user has taken before.
#pragma once

#include "heed/nn/additive_attention.hpp"
#include "heed/nn/linear.hpp"
#include "heed/ops/slice.hpp"
#include "heed/recsys/encoder.hpp"

namespace heed::inline HEED_ABI::recsys {

struct PointerHeadOptions {
  Index state_size = 0;    ///< size of the state of an event
  Index summary_size = 0;  ///< size of the summary of a query
  Index hidden_size = 64;  ///< size of the attention's hidden layer

  void fields(auto&& visitor) {
    visitor("state_size", state_size, "summary_size", summary_size, "hidden_size", hidden_size);
  }
};

/// p(item) = g * (attention on the item's occurrences in the history) + (1 - g) * p_catalogue(item), with
/// g = sigmoid(linear(summary)). Sources: See et al. (2017, pointer-generator), Ren et al. (2019, RepeatNet).
template <class Scalar>
class PointerHead {
 public:
  using scalar_type = Scalar;

  explicit PointerHead(const PointerHeadOptions& options)
      : attention(
            {.query_size = options.summary_size, .key_size = options.state_size, .hidden_size = options.hidden_size}),
        gate({.in_features = options.summary_size, .out_features = 1}) {}

  struct Pointed {
    Var<Scalar> weights;  ///< the [queries, keys] of each sequence, concatenated
    Var<Scalar> gate;     ///< [queries, 1]: the share of this head
  };

  /// states [tokens, state_size], summary [queries, summary_size].
  Pointed operator()(Var<Scalar> states, Var<Scalar> summary, const data::Batch& batch) const {
    const Mask mask = every_position(batch) ? Mask::causal() : Mask();
    // Only the weights are used, not the context: one column of values is the cheapest.
    const auto seen = attention(summary, batch.query_segments, states, slice(states, 1, 0, 1), batch.segments,
                                {.mask = mask, .weights = true});
    return {seen.weights, gate(summary, Activation::sigmoid)};
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("attention", attention);
    visitor("gate", gate);
  }

  nn::AdditiveAttention<Scalar> attention;
  nn::Linear<Scalar> gate;
};

}  // namespace heed::inline HEED_ABI::recsys
