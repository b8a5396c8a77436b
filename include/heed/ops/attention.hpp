// SPDX-License-Identifier: Apache-2.0
// Multi-head scaled dot-product attention over ragged sequences, as one operation.
#pragma once

#include <cmath>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/attention.hpp"
#include "heed/ops/detail/collide.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/mask.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct attention {
  static constexpr const char* name = "attention";
};
}  // namespace op

struct AttentionOptions {
  Index num_heads = 1;
  double scale = 0;    ///< of the scores; 0 means 1 / sqrt(width of a head)
  double dropout = 0;  ///< on the weights, while the tape is training
  bool weights = false;
};

template <class Scalar>
struct AttentionResult {
  Var<Scalar> context;  ///< [query tokens, width of v]
  /// When asked for: each sequence's [heads, queries, keys] weights (after dropout), one after the other, 0 where
  /// hidden; differentiable. Empty otherwise.
  Var<Scalar> weights{};
};

namespace detail {

template <class Scalar>
void check_attention(std::string_view operation, Var<Scalar> q, const Segments& q_segments, Var<Scalar> k,
                     Var<Scalar> v, const Segments& k_segments) {
  if (q_segments.count() != k_segments.count()) {
    fail<ShapeError>(operation,
                     message(q_segments.count(), " query sequences for ", k_segments.count(), " key sequences"));
  }
  const auto rows = [&](const char* what, Var<Scalar> x, const Segments& segments) {
    if (x.shape().rank() == 2 && x.rows() == segments.tokens()) return;
    fail<ShapeError>(
        operation, message(what, " is ", to_string(x.shape()), ", wanted [", segments.tokens(), " tokens, features]"));
  };
  rows("query", q, q_segments);
  rows("key", k, k_segments);
  rows("value", v, k_segments);
  if (q.cols() != k.cols()) {
    fail<ShapeError>(operation, message("queries of ", q.cols(), " features for keys of ", k.cols()));
  }
}

}  // namespace detail

/// q [query tokens, E], k [key tokens, E], v [key tokens, V]; head h takes columns h E / heads on of each. Sequence b
/// of the queries looks at sequence b of the keys: self-attention, cross-attention, one query a sequence or several
/// candidates. A query that may look at nothing gets weights 0, context 0 and gradient 0.
template <class Scalar>
AttentionResult<Scalar> attention(Var<Scalar> q, const Segments& q_segments, Var<Scalar> k, Var<Scalar> v,
                                  const Segments& k_segments, const Mask& mask, const AttentionOptions& options = {}) {
  Tape<Scalar>& tape = tape_of("attention", q, k, v);
  detail::check_attention("attention", q, q_segments, k, v, k_segments);
  const Index heads = options.num_heads, d = heads > 0 ? q.cols() / heads : 0, dv = heads > 0 ? v.cols() / heads : 0;
  if (heads <= 0 || d <= 0 || d * heads != q.cols() || dv * heads != v.cols()) {
    fail<ShapeError>("attention",
                     message(heads, " heads do not divide ", q.cols(), " key and ", v.cols(), " value features"));
  }
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    fail<OptionError>("attention", message("dropout ", options.dropout, " is not in [0, 1)"));
  }
  const SegmentsView qs = tape.keep(q_segments), ks = tape.keep(k_segments);
  const MaskView<Scalar> visible = detail::resolve("attention", tape, mask, qs.count, qs.max_length, ks.max_length);
  const Index* offsets = options.weights ? detail::weight_offsets(tape, qs, ks, heads) : nullptr;
  const Index weight_count = options.weights ? offsets[qs.count] : 0;
  const auto all = tape.allocate({qs.tokens() * v.cols() + weight_count});
  const TensorView<Scalar> context(all.data(), {qs.tokens(), v.cols()});
  Scalar* weights = all.data() + context.size();
  Scalar* log_sums = tape.template room<Scalar>(heads * qs.tokens());
  const bool drops = tape.training() && options.dropout > 0;
  const Random random = drops ? tape.next_random() : Random();
  const auto scale = static_cast<Scalar>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(d)));
  const auto keep = drops ? static_cast<Scalar>(1 - options.dropout) : Scalar(1);
  const TensorView<const Scalar> qv = q.value(), kv = k.value(), vv = v.value();

  // A unit is one head of one sequence.
  const auto unit = [=](Index i) {
    const Index b = i / heads, h = i % heads;
    kernels::AttentionUnit<Scalar> u;
    u.q = qv.rows(qs.begin(b), qs.end(b)).columns(h * d, (h + 1) * d);
    u.k = kv.rows(ks.begin(b), ks.end(b)).columns(h * d, (h + 1) * d);
    u.v = vv.rows(ks.begin(b), ks.end(b)).columns(h * dv, (h + 1) * dv);
    u.mask = visible;
    u.segment = b;
    u.scale = scale;
    u.keep = keep;
    u.random = random.fork(static_cast<std::uint64_t>(i));
    u.log_sums = log_sums + h * qs.tokens() + qs.begin(b);
    return u;
  };
  const auto part = [=](auto view, Index i) {  // the unit's rows and columns of an array shaped like the context
    const Index b = i / heads, h = i % heads;
    return view.rows(qs.begin(b), qs.end(b)).columns(h * dv, (h + 1) * dv);
  };
  const auto weight_at = [=](Index i) {
    const Index b = i / heads, h = i % heads;
    return offsets[b] + h * qs.length(b) * ks.length(b);
  };
  const Index room = kernels::attention_scratch(ks.max_length, std::max(d, dv));
  {
    ArenaScope scope(tape.scratch());
    Scalar* scratch = tape.scratch().template array<Scalar>(room * tape.executor().threads());
    tape.executor().run(qs.count * heads, [&](Index i, int worker) {
      kernels::attention_forward<Scalar>(
          unit(i), part(context, i), offsets != nullptr ? weights + weight_at(i) : nullptr, scratch + worker * room);
    });
  }
  const Var<Scalar> root = record(tape, {q, k, v}, all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    const TensorView<Scalar> dq = g(q), dk = g(k), dv_all = g(v);
    const TensorView<const Scalar> d_context(g.output().data(), context.shape());
    const Scalar* d_weights = g.output().data() + context.size();
    ArenaScope scope(t.scratch());
    Scalar* scratch = t.scratch().template array<Scalar>(room * t.executor().threads());
    // One sequence a chunk: when q, k and v share memory its heads must add one after the other.
    const auto sequence = [&](Index b, int worker) {
      for (Index i = b * heads; i < (b + 1) * heads; ++i) {
        const Index h = i % heads;
        const auto slice = [&](TensorView<Scalar> view, SegmentsView s, Index width) {
          return view ? view.rows(s.begin(b), s.end(b)).columns(h * width, (h + 1) * width) : view;
        };
        kernels::attention_backward<Scalar>(unit(i), part(d_context, i),
                                            offsets != nullptr ? d_weights + weight_at(i) : nullptr, slice(dq, qs, d),
                                            slice(dk, ks, d), slice(dv_all, ks, dv), scratch + worker * room);
      }
    };
    detail::run_sequences(t.executor(), dq, qs, dk, dv_all, ks, sequence);
  });
  AttentionResult<Scalar> result{.context = tape.alias(root, context)};
  if (options.weights) result.weights = tape.alias(root, {weights, {weight_count}});
  return result;
}

}  // namespace heed::inline HEED_ABI
