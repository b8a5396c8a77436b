// SPDX-License-Identifier: Apache-2.0
// Additive attention over ragged sequences, as one operation.
#pragma once

#include "heed/kernels/additive_attention.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/detail/attention_operands.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/sequence_gradients.hpp"

namespace heed::inline HEED_ABI {

/// Returns weights = softmax_j(w . tanh(q_i + k_j)) over the visible keys and context = weighted sum of v, for queries
/// q [query tokens, A] and keys k [key tokens, A] that are projected (including any bias), w [A], v [key tokens, V].
/// If requested, the weights are each sequence's [queries, keys], concatenated; they are differentiable.
/// Source: Bahdanau et al. (2015), equations 5 and 6.
template <class Scalar>
AttentionResult<Scalar> additive_attention(Var<Scalar> q, SegmentsView q_segments, Var<Scalar> k, Var<Scalar> v,
                                           SegmentsView k_segments, Var<Scalar> w, const AttentionCall& call = {}) {
  Tape<Scalar>& tape = tape_of("additive_attention", q, k, v, w);
  detail::check_attention("additive_attention", q, q_segments, k, v, k_segments);
  if (w.shape().size() != q.cols()) {
    fail<ShapeError>("additive_attention", "score vector is ", w.shape(), ", wanted [", q.cols(), "]");
  }
  const detail::AttentionOperands<Scalar> head("additive_attention", tape, q, q_segments, k, v, k_segments, call);
  const SegmentsView qs = head.qs, ks = head.ks;
  Scalar* log_sums = tape.template allocate_array<Scalar>(qs.tokens());
  const Scalar* wv = detail::dense(tape, w).data();
  const Index width = q.cols();

  const auto unit = [=](Index b) {
    kernels::AttentionUnit<Scalar> u = head.unit(b);
    u.log_sums = log_sums + qs.begin(b);
    return u;
  };
  const Index scratch_size = kernels::additive_attention_scratch(ks.max_length, width);
  detail::run_with_scratch(tape, qs.count, scratch_size, [&](Index b, Scalar* scratch) {
    kernels::additive_attention_forward<Scalar>(unit(b), wv, head.context_of(head.all, b), head.weights_of(head.all, b),
                                                scratch);
  });
  const Var<Scalar> root = record(tape, {q, k, v, w}, head.all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    const detail::SequenceGradients<Scalar> to(g, q, qs, k, v, ks);
    const TensorView<Scalar> dw = g(w);
    ArenaScope scope(t.scratch());
    // All sequences use the score vector: each has its own partial gradient, and these are summed in order afterwards.
    const auto shares = t.scratch().template tensor<Scalar>({dw ? qs.count : 0, width});
    std::fill_n(shares.data(), shares.size(), Scalar(0));
    const auto sequence = [&](Index b, Scalar* scratch) {
      kernels::additive_attention_backward<Scalar>(
          unit(b), wv, head.context_of(g.output(), b), head.weights_of(g.output(), b),
          to.q().rows(qs.begin(b), qs.end(b)), to.k().rows(ks.begin(b), ks.end(b)), to.v().rows(ks.begin(b), ks.end(b)),
          dw ? shares.row(b) : nullptr, scratch);
    };
    to.run(scratch_size, sequence);
    if (dw) detail::add_dense(t, dw, [&](Scalar* out) { kernels::add_column_sums<Scalar>(shares, out); });
  });
  return head.result(tape, root);
}

}  // namespace heed::inline HEED_ABI
