// SPDX-License-Identifier: Apache-2.0
// The local activation unit of the Deep Interest Network: how much each history element matters for a candidate.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "heed/nn/mlp.hpp"
#include "heed/ops/attention.hpp"
#include "heed/ops/concat.hpp"
#include "heed/ops/expand.hpp"
#include "heed/ops/gather.hpp"
#include "heed/ops/multiply.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/softmax.hpp"
#include "heed/ops/subtract.hpp"
#include "heed/ops/sum.hpp"

namespace heed::inline HEED_ABI::nn {

struct TargetAttentionOptions {
  Index embed_dim = 0;
  std::vector<Index> hidden_features = {36};
  Activation activation = Activation::sigmoid;
  bool softmax = true;  ///< false, as in the paper: the sum keeps the intensity of the interest
};

/// score_ij = MLP([q_i, k_j, q_i - k_j, q_i * k_j]); weights are the scores or their softmax over the sequence.
/// Source: Zhou et al. (2018); the difference and the product are those of the authors' code.
template <class Scalar>
class TargetAttention {
 public:
  using scalar_type = Scalar;

  explicit TargetAttention(const TargetAttentionOptions& options)
      : unit({.in_features = 4 * options.embed_dim,
              .hidden_features = options.hidden_features,
              .out_features = 1,
              .activation = options.activation}),
        softmax_(options.softmax) {}

  /// Candidates q [query tokens, E] against the histories k [key tokens, E] with values v [key tokens, V]; sequence b
  /// of one belongs to sequence b of the other, with any number of candidates. Weights are each sequence's
  /// [candidates, keys], one after the other; with `causal`, of the keys that the candidate sees. One candidate a
  /// sequence allocates nothing; several take the heap for the segments of their pairs.
  AttentionResult<Scalar> operator()(Var<Scalar> q, const Segments& q_segments, Var<Scalar> k, Var<Scalar> v,
                                     const Segments& k_segments, bool causal = false) const {
    heed::detail::check_attention("TargetAttention", q, q_segments, k, v, k_segments);
    if (!causal && q_segments.tokens() == q_segments.count() && q_segments.max_length() <= 1) {
      return over_pairs(expand(q, k_segments), k, v, k_segments);
    }
    // Causal as Mask::causal(): candidate i sees the keys up to its own place, counted from the ends.
    const auto seen = [&](Index b, Index i) {
      const Index keys = k_segments.length(b);
      return causal ? std::clamp<Index>(keys - q_segments.length(b) + i + 1, 0, keys) : keys;
    };
    Index count = 0;
    for (Index b = 0; b < q_segments.count(); ++b) {
      for (Index i = 0; i < q_segments.length(b); ++i) count += seen(b, i);
    }
    Arena& scratch = q.tape().scratch();
    ArenaScope scope(scratch);
    Index* q_rows = scratch.array<Index>(count);
    Index* k_rows = scratch.array<Index>(count);
    Index* lengths = scratch.array<Index>(q_segments.tokens());
    for (Index b = 0, pair = 0; b < q_segments.count(); ++b) {
      for (Index i = q_segments.begin(b); i < q_segments.end(b); ++i) {
        lengths[i] = seen(b, i - q_segments.begin(b));
        for (Index j = k_segments.begin(b); j < k_segments.begin(b) + lengths[i]; ++j, ++pair) {
          q_rows[pair] = i;
          k_rows[pair] = j;
        }
      }
    }
    const auto all = [](const Index* list, Index size) {
      return std::span<const Index>(list, static_cast<std::size_t>(size));
    };
    const Segments pairs{all(lengths, q_segments.tokens())};
    return over_pairs(gather(q, all(q_rows, count)), gather(k, all(k_rows, count)), gather(v, all(k_rows, count)),
                      pairs);
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("unit", unit);
  }

  Mlp<Scalar> unit;

 private:
  /// Every pair of a candidate and a history element is a row; the rows of a candidate are a segment.
  AttentionResult<Scalar> over_pairs(Var<Scalar> q, Var<Scalar> k, Var<Scalar> v, const Segments& pairs) const {
    const Var<Scalar> score = unit(concat<Scalar>({q, k, subtract(q, k), multiply(q, k)}, 1));
    const Var<Scalar> weights = softmax_ ? softmax(score, pairs) : score;  // [pairs, 1]
    return {.context = sum(multiply(weights, v), pairs), .weights = reshape(weights, {pairs.tokens()})};
  }

  bool softmax_;
};

}  // namespace heed::inline HEED_ABI::nn
