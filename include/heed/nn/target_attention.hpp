// SPDX-License-Identifier: Apache-2.0
// The local activation unit of the Deep Interest Network: weights the elements of a history for each candidate.
#pragma once

#include <vector>

#include "heed/nn/mlp.hpp"
#include "heed/ops/target_attention.hpp"

namespace heed::inline HEED_ABI::nn {

struct TargetAttentionOptions {
  Index embed_dim = 0;
  std::vector<Index> hidden_features = {36};
  Activation activation = Activation::sigmoid;
  bool softmax = true;  ///< false (as in the paper) keeps the magnitude of the scores

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "hidden_features", hidden_features, "activation", activation, "softmax", softmax);
  }
};

/// score_ij = MLP([q_i, k_j, q_i - k_j, q_i * k_j]); the weights are the scores or their softmax over the sequence.
/// Source: Zhou et al. (2018); q_i - k_j and q_i * k_j are from the authors' code.
template <class Scalar = float>
class TargetAttention {
 public:
  using scalar_type = Scalar;

  explicit TargetAttention(const TargetAttentionOptions& options)
      : unit({.in_features = 4 * options.embed_dim,
              .hidden_features = options.hidden_features,
              .out_features = 1,
              .activation = options.activation}),
        activation_(options.activation),
        softmax_(options.softmax) {}

  /// Candidates q [query tokens, E] attend to histories k [key tokens, E] with values v [key tokens, V]: sequence b of
  /// the candidates, of any length, to sequence b of the histories. The weights are each sequence's [candidates, keys],
  /// concatenated, 0 where the key is hidden from the candidate.
  AttentionResult<Scalar> operator()(Var<Scalar> q, SegmentsView q_segments, Var<Scalar> k, Var<Scalar> v,
                                     SegmentsView k_segments, const AttentionCall& call = {}) const {
    Tape<Scalar>& tape = q.tape();
    const auto& layers = unit.layers();
    ArenaScope scope(tape.scratch());
    auto* parameters = tape.scratch().template array<Var<Scalar>>(static_cast<Index>(2 * layers.size()));
    for (std::size_t l = 0; l < layers.size(); ++l) {
      parameters[2 * l] = tape.parameter(layers[l].weight);
      parameters[2 * l + 1] = tape.parameter(layers[l].bias);
    }
    return target_attention<Scalar>(
        q, q_segments, k, v, k_segments, {parameters, 2 * layers.size()},
        {.mask = call.mask, .weights = call.weights, .activation = activation_, .softmax = softmax_});
  }

  void visit(auto&& visitor) { visitor("unit", unit); }

  Mlp<Scalar> unit;

 private:
  Activation activation_;
  bool softmax_;
};

}  // namespace heed::inline HEED_ABI::nn
