// SPDX-License-Identifier: Apache-2.0
// Additive attention, as in encoder-decoder models: a small MLP scores each element.
#pragma once

#include <cmath>

#include "heed/nn/linear.hpp"
#include "heed/ops/additive_attention.hpp"
#include "heed/ops/detail/hidden_rows.hpp"

namespace heed::inline HEED_ABI::nn {

struct AdditiveAttentionOptions {
  Index query_size = 0;
  Index key_size = 0;
  Index hidden_size = 0;  ///< hidden size of the scoring network

  void fields(auto&& visitor) { visitor("query_size", query_size, "key_size", key_size, "hidden_size", hidden_size); }
};

/// score_ij = v . tanh(W_q q_i + W_k k_j + b), a softmax over the visible keys, and a weighted sum of the values.
/// Keys are projected once for all queries. Source: Bahdanau et al. (2015).
template <class Scalar = float>
class AdditiveAttention {
 public:
  using scalar_type = Scalar;

  explicit AdditiveAttention(const AdditiveAttentionOptions& options)
      : query({.in_features = options.query_size, .out_features = options.hidden_size, .bias = false}),
        key({.in_features = options.key_size, .out_features = options.hidden_size}),
        score({options.hidden_size}) {}

  /// q [query tokens, query_size], k [key tokens, key_size], v [key tokens, any].
  AttentionResult<Scalar> operator()(Var<Scalar> q, const Segments& q_segments, Var<Scalar> k, Var<Scalar> v,
                                     const Segments& k_segments, const AttentionCall& call = {}) const {
    const Var<Scalar> keys =
        heed::detail::clear_hidden_rows("additive_attention", k, call.mask, q_segments, k_segments);
    if (q == k) q = keys;
    if (v == k) v = keys;
    return additive_attention(query(q), q_segments, key(keys), v, k_segments, q.tape().parameter(score), call);
  }

  /// Initialises linear layers as Linear does, the score vector uniformly in +-1/sqrt(hidden_size).
  void initialize(Random random) {
    query.initialize(random.fork("query"));
    key.initialize(random.fork("key"));
    init_uniform(score, random.fork("score"), 1.0 / std::sqrt(static_cast<double>(score.size())));
  }

  void visit(auto&& visitor) {
    visitor("query", query);
    visitor("key", key);
    visitor("score", score);
  }

  Linear<Scalar> query, key;
  Parameter<Scalar> score;  ///< v [hidden_size]
};

}  // namespace heed::inline HEED_ABI::nn
