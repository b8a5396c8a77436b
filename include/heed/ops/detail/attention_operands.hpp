// SPDX-License-Identifier: Apache-2.0
// Arguments and results shared by attentions of every kind over ragged sequences.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/detail/attention_unit.hpp"
#include "heed/ops/detail/mask.hpp"

namespace heed::inline HEED_ABI {

/// The arguments of an attention call: the same two fields, with the same defaults, in every op and layer.
struct AttentionCall {
  Mask mask{};           ///< which keys each query may attend to; by default all of them
  bool weights = false;  ///< whether to return the attention weights
};

template <class Scalar>
struct AttentionResult {
  Var<Scalar> context;  ///< [query tokens, width of v]
  /// Each sequence's [heads, queries, keys] weights (after dropout), concatenated, 0 where hidden; differentiable.
  /// Empty unless requested.
  Var<Scalar> weights{};
  /// With items: [query tokens, heads], the sum of a query's weights (after dropout) over the visible keys of its
  /// sequence that have its item; differentiable, computed without storing the weights. Empty otherwise.
  Var<Scalar> mass{};
};

namespace detail {

template <class Scalar>
[[gnu::noinline]] void check_attention(std::string_view operation, Var<Scalar> q, SegmentsView q_segments,
                                       Var<Scalar> k, Var<Scalar> v, SegmentsView k_segments) {
  if (q_segments.count != k_segments.count) {
    fail<ShapeError>(operation, q_segments.count, " query sequences for ", k_segments.count, " key sequences");
  }
  const auto rows = [&](const char* what, Var<Scalar> x, SegmentsView segments) {
    if (x.shape().rank() == 2 && x.rows() == segments.tokens()) return;
    fail<ShapeError>(operation, what, " is ", x.shape(), ", wanted [", segments.tokens(), " tokens, features]");
  };
  rows("query", q, q_segments);
  rows("key", k, k_segments);
  rows("value", v, k_segments);
  if (q.cols() != k.cols()) {
    fail<ShapeError>(operation, "queries of ", q.cols(), " features for keys of ", k.cols());
  }
}

template <class Scalar>
void check_heads(std::string_view operation, Index heads, Var<Scalar> q, Var<Scalar> v) {
  if (heads > 0 && q.cols() >= heads && q.cols() % heads == 0 && v.cols() % heads == 0) return;
  fail<ShapeError>(operation, heads, " heads do not divide ", q.cols(), " key and ", v.cols(), " value features");
}

/// The operands in the form that kernels require, and an array for the results: the context, the weights [heads,
/// queries, keys] of each sequence if requested, and `more` elements. Unit i is head i % heads of sequence i / heads.
template <class Scalar>
struct AttentionOperands {
  SegmentsView qs, ks;
  MaskView<Scalar> mask;
  TensorView<const Scalar> q, k, v;
  Index heads, width, depth;  ///< number of heads; columns per head of q and k, of v
  const Index* offsets;       ///< of each sequence's weights; null if they are not requested
  TensorView<Scalar> all, context;

  AttentionOperands(std::string_view operation, Tape<Scalar>& tape, Var<Scalar> query, SegmentsView q_segments,
                    Var<Scalar> key, Var<Scalar> value, SegmentsView k_segments, const AttentionCall& call,
                    Index num_heads = 1, Index more = 0)
      : qs(tape.keep(q_segments)),
        ks(tape.keep(k_segments)),
        mask(resolve(operation, tape, call.mask, qs.count, qs.max_length, ks.max_length)),
        q(query.value()),
        k(key.value()),
        v(value.value()),
        heads(num_heads),
        width(q.cols() / heads),
        depth(v.cols() / heads),
        offsets(call.weights ? weight_offsets(tape, qs, ks, heads) : nullptr),
        all(tape.allocate({qs.tokens() * v.cols() + weight_count() + more})),
        context(all.data(), {qs.tokens(), v.cols()}) {}

  /// Returns a unit's rows (of sequences `s`) and columns of an array; an empty view of an empty array.
  /// (Not inlined: a view has nine members, and copying them at every use was a large part of the compiled code.)
  template <class T>
  [[gnu::noinline]] MatrixView<T> part(TensorView<T> x, SegmentsView s, Index columns, Index i) const {
    const Index b = i / heads, h = i % heads;
    return x ? x.rows(s.begin(b), s.end(b)).columns(h * columns, (h + 1) * columns) : x.matrix();
  }
  [[gnu::noinline]] kernels::AttentionUnit<Scalar> unit(Index i) const {
    kernels::AttentionUnit<Scalar> u;
    u.q = part(q, qs, width, i);
    u.k = part(k, ks, width, i);
    u.v = part(v, ks, depth, i);
    u.mask = mask;
    u.segment = i / heads;
    return u;
  }
  /// Returns a unit's part of the context in `from`, which is `all` or its gradient.
  template <class T>
  MatrixView<T> context_of(TensorView<T> from, Index i) const {
    return part(TensorView<T>(from.data(), context.shape()), qs, depth, i);
  }
  /// Returns a unit's weights [queries, keys] in `from`, or null if they are not requested.
  template <class T>
  T* weights_of(TensorView<T> from, Index i) const {
    const Index b = i / heads;
    return offsets == nullptr ? nullptr
                              : from.data() + context.size() + offsets[b] + i % heads * qs.length(b) * ks.length(b);
  }
  Index weight_count() const { return offsets != nullptr ? offsets[qs.count] : 0; }
  AttentionResult<Scalar> result(Tape<Scalar>& tape, Var<Scalar> root) const {
    AttentionResult<Scalar> out{.context = tape.alias(root, context)};
    if (offsets != nullptr) out.weights = tape.alias(root, {weights_of(all, 0), {weight_count()}});
    return out;
  }
};

}  // namespace detail

}  // namespace heed::inline HEED_ABI
