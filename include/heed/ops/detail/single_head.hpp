// SPDX-License-Identifier: Apache-2.0
// Shared by attentions with one head over ragged sequences.
#pragma once

#include "heed/ops/attention.hpp"

namespace heed::inline HEED_ABI::detail {

/// The operands in the form that kernels require, and an array for the result: the context and, if requested, the
/// weights [queries, keys] of each sequence, concatenated.
template <class Scalar>
struct SingleHead {
  SegmentsView qs, ks;
  MaskView<Scalar> mask;
  TensorView<const Scalar> q, k, v;
  const Index* offsets;  ///< of each sequence's weights; null if they are not requested
  TensorView<Scalar> all, context;

  SingleHead(std::string_view operation, Tape<Scalar>& tape, Var<Scalar> query, SegmentsView q_segments,
             Var<Scalar> key, Var<Scalar> value, SegmentsView k_segments, const Mask& visible, bool with_weights)
      : qs(tape.keep(q_segments)),
        ks(tape.keep(k_segments)),
        mask(resolve(operation, tape, visible, qs.count, qs.max_length, ks.max_length)),
        q(query.value()),
        k(key.value()),
        v(value.value()),
        offsets(with_weights ? weight_offsets(tape, qs, ks, 1) : nullptr),
        all(tape.allocate({qs.tokens() * v.cols() + weight_count()})),
        context(all.data(), {qs.tokens(), v.cols()}) {}

  kernels::AttentionUnit<Scalar> unit(Index b) const {
    kernels::AttentionUnit<Scalar> u;
    u.q = q.rows(qs.begin(b), qs.end(b));
    u.k = k.rows(ks.begin(b), ks.end(b));
    u.v = v.rows(ks.begin(b), ks.end(b));
    u.mask = mask;
    u.segment = b;
    return u;
  }
  /// Returns sequence b's rows of the context in `from`, which is `all` or its gradient.
  template <class T>
  TensorView<T> context_of(TensorView<T> from, Index b) const {
    return TensorView<T>(from.data(), context.shape()).rows(qs.begin(b), qs.end(b));
  }
  template <class T>
  T* weights_of(TensorView<T> from, Index b) const {
    return offsets == nullptr ? nullptr : from.data() + context.size() + offsets[b];
  }
  AttentionResult<Scalar> result(Tape<Scalar>& tape, Var<Scalar> root) const {
    AttentionResult<Scalar> out{.context = tape.alias(root, context)};
    if (offsets != nullptr) out.weights = tape.alias(root, {weights_of(all, 0), {weight_count()}});
    return out;
  }

 private:
  Index weight_count() const { return offsets != nullptr ? offsets[qs.count] : 0; }
};

}  // namespace heed::inline HEED_ABI::detail
