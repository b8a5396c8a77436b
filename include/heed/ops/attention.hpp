// SPDX-License-Identifier: Apache-2.0
// Multi-head scaled dot-product attention over ragged sequences, as one operation.
#pragma once

#include <cmath>
#include <span>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/attention.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/mask.hpp"
#include "heed/ops/detail/sequence_gradients.hpp"

namespace heed::inline HEED_ABI {

/// The arguments of an attention call: the same two fields, with the same defaults, in every op and layer.
struct AttentionCall {
  Mask mask{};           ///< which keys each query may attend to; by default all of them
  bool weights = false;  ///< whether to return the attention weights
};

struct AttentionOptions {
  Mask mask{};  ///< as in AttentionCall, like `weights`
  Index num_heads = 1;
  double scale = 0;    ///< factor of the scores; 0 means 1 / sqrt(head width)
  double dropout = 0;  ///< dropout probability of the weights, while the tape is training
  bool weights = false;
  /// The item of each key [key tokens] and the item that each query [query tokens] requests. If both are given (or both
  /// are empty because there are no tokens), the result has `mass`. The call copies them.
  std::span<const Index> key_items{}, query_items{};

  void fields(auto&& visitor) {
    visitor("mask", mask, "num_heads", num_heads, "scale", scale, "dropout", dropout, "weights", weights, "key_items",
            key_items, "query_items", query_items);
  }
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

/// Copies items to the tape as integers of a SIMD lane's width. Throws IndexError for an item that does not fit.
template <class Scalar>
const kernels::LaneItem<Scalar>* keep_items(std::string_view operation, Tape<Scalar>& tape,
                                            std::span<const Index> items) {
  using Item = kernels::LaneItem<Scalar>;
  Item* out = tape.template allocate_array<Item>(static_cast<Index>(items.size()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    out[i] = static_cast<Item>(items[i]);
    if (out[i] != items[i]) {
      fail<IndexError>(operation, "item ", items[i], " at position ", i, " does not fit ", 8 * sizeof(Item), " bits");
    }
  }
  return out;
}

}  // namespace detail

/// Attention of q [query tokens, E] over k [key tokens, E] and v [key tokens, V]; head h reads column block h of each.
/// Sequence b of the queries attends to sequence b of the keys: self-attention, cross-attention, one query per sequence
/// or several candidates. A query without a visible key has weights 0, context 0 and gradient 0.
template <class Scalar>
AttentionResult<Scalar> attention(Var<Scalar> q, SegmentsView q_segments, Var<Scalar> k, Var<Scalar> v,
                                  SegmentsView k_segments, const AttentionOptions& options = {}) {
  Tape<Scalar>& tape = tape_of("attention", q, k, v);
  detail::check_attention("attention", q, q_segments, k, v, k_segments);
  const Index heads = options.num_heads, d = heads > 0 ? q.cols() / heads : 0, dv = heads > 0 ? v.cols() / heads : 0;
  if (heads <= 0 || d <= 0 || d * heads != q.cols() || dv * heads != v.cols()) {
    fail<ShapeError>("attention", heads, " heads do not divide ", q.cols(), " key and ", v.cols(), " value features");
  }
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    fail<OptionError>("attention", "dropout ", options.dropout, " is not in [0, 1)");
  }
  const bool no_tokens = q_segments.tokens() == 0 && k_segments.tokens() == 0;
  const bool masses = no_tokens || !options.key_items.empty() || !options.query_items.empty();
  if (masses && (static_cast<Index>(options.key_items.size()) != k_segments.tokens() ||
                 static_cast<Index>(options.query_items.size()) != q_segments.tokens())) {
    fail<ShapeError>("attention", options.key_items.size(), " key items and ", options.query_items.size(),
                     " query items for ", k_segments.tokens(), " keys and ", q_segments.tokens(), " queries");
  }
  const SegmentsView qs = tape.keep(q_segments), ks = tape.keep(k_segments);
  const MaskView<Scalar> visible =
      detail::resolve("attention", tape, options.mask, qs.count, qs.max_length, ks.max_length);
  const Index* offsets = options.weights ? detail::weight_offsets(tape, qs, ks, heads) : nullptr;
  const Index weight_count = options.weights ? offsets[qs.count] : 0;
  const auto* key_items = masses ? detail::keep_items("attention", tape, options.key_items) : nullptr;
  const auto* query_items = masses ? detail::keep_items("attention", tape, options.query_items) : nullptr;
  const Shape mass_shape{masses ? qs.tokens() : 0, heads};
  const auto all = tape.allocate({qs.tokens() * v.cols() + weight_count + mass_shape.size()});
  const TensorView<Scalar> context(all.data(), {qs.tokens(), v.cols()});
  Scalar* weights = all.data() + context.size();
  const TensorView<Scalar> mass =
      masses ? TensorView<Scalar>(weights + weight_count, mass_shape) : TensorView<Scalar>();
  Scalar* log_sums = tape.template allocate_array<Scalar>(heads * qs.tokens());
  const bool drops = tape.training() && options.dropout > 0;
  const Random random = drops ? tape.next_random() : Random();
  const Index kept_row = kernels::kept_words(ks.max_length);
  auto* const kept = tape.template allocate_array<std::uint16_t>(drops ? heads * qs.tokens() * kept_row : 0);
  const auto scale = static_cast<Scalar>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(d)));
  const auto keep = drops ? static_cast<Scalar>(1 - options.dropout) : Scalar(1);
  const TensorView<const Scalar> qv = q.value(), kv = k.value(), vv = v.value();

  // A unit is one head of one sequence. Returns its rows and columns of an array, or an empty view of an empty array.
  // (Not inlined: a view has nine members, and copying them at every use was a large part of the compiled code.)
  const auto slice = [=](auto view, SegmentsView s, Index width, Index i) __attribute__((noinline)) {
    const Index b = i / heads, h = i % heads;
    return view ? view.rows(s.begin(b), s.end(b)).columns(h * width, (h + 1) * width) : view.matrix();
  };
  const auto unit = [=](Index i) __attribute__((noinline)) {
    const Index b = i / heads, h = i % heads;
    kernels::AttentionUnit<Scalar> u;
    u.q = slice(qv, qs, d, i);
    u.k = slice(kv, ks, d, i);
    u.v = slice(vv, ks, dv, i);
    u.mask = visible;
    u.segment = b;
    u.scale = scale;
    u.keep = keep;
    u.random = random.fork(static_cast<std::uint64_t>(i));
    u.log_sums = log_sums + h * qs.tokens() + qs.begin(b);
    u.kept = kept + (h * qs.tokens() + qs.begin(b)) * kept_row;
    if (masses) {
      u.key_items = key_items + ks.begin(b);
      u.query_items = query_items + qs.begin(b);
      u.mass = slice(mass, qs, 1, i);
    }
    return u;
  };
  const auto weight_at = [=](Index i) {
    const Index b = i / heads, h = i % heads;
    return offsets[b] + h * qs.length(b) * ks.length(b);
  };
  // Whether to prefetch the next unit's rows: not during a unit with few queries, which finishes too soon.
  const auto follows = [=](Index i) { return i + 1 < qs.count * heads && qs.length(i / heads) >= 16; };
  const Index scratch_size = kernels::attention_scratch<Scalar>(qs.max_length, ks.max_length, d, dv);
  detail::run_with_scratch(tape, qs.count * heads, scratch_size, [&](Index i, Scalar* scratch) {
    kernels::AttentionUnit<Scalar> u = unit(i);
    kernels::RowPrefetcher<Scalar> ahead;
    if (follows(i)) {
      const kernels::AttentionUnit<Scalar> next = unit(i + 1);
      for (const auto& x : {next.q, next.k, next.v}) ahead.add(x);
      u.next_rows = &ahead;
    }
    kernels::attention_forward<Scalar>(u, slice(context, qs, dv, i),
                                       offsets != nullptr ? weights + weight_at(i) : nullptr, scratch);
  });
  const Var<Scalar> root = record(tape, {q, k, v}, all, [=](const Gradients<Scalar>& g) {
    const detail::SequenceGradients<Scalar> to(g, q, qs, k, v, ks);
    const TensorView<const Scalar> d_context(g.output().data(), context.shape());
    const Scalar* d_weights = g.output().data() + context.size();
    // One sequence per chunk: when q, k and v share memory, its heads must add their gradients one after the other.
    const auto sequence = [&](Index b, Scalar* scratch) {
      for (Index i = b * heads; i < (b + 1) * heads; ++i) {
        kernels::AttentionUnit<Scalar> u = unit(i);
        kernels::RowPrefetcher<Scalar> ahead;
        if (follows(i)) {
          const kernels::AttentionUnit<Scalar> next = unit(i + 1);
          for (const auto& x : {next.q, next.k, next.v}) ahead.add(x);
          for (const auto& x : {TensorView<const Scalar>(context), d_context}) ahead.add(slice(x, qs, dv, i + 1));
          ahead.add(slice(to.q(), qs, d, i + 1));
          ahead.add(slice(to.k(), ks, d, i + 1));
          ahead.add(slice(to.v(), ks, dv, i + 1));
          u.next_rows = &ahead;
        }
        kernels::AttentionCotangents<Scalar> given{slice(context, qs, dv, i), slice(d_context, qs, dv, i)};
        if (offsets != nullptr) {
          given.weights = weights + weight_at(i);
          given.d_weights = d_weights + weight_at(i);
        }
        if (masses) {
          given.d_mass = slice(TensorView<const Scalar>(d_weights + weight_count, mass_shape), qs, 1, i);
        }
        kernels::attention_backward<Scalar>(u, given, slice(to.q(), qs, d, i), slice(to.k(), ks, d, i),
                                            slice(to.v(), ks, dv, i), scratch);
      }
    };
    to.run(scratch_size, sequence);
  });
  AttentionResult<Scalar> result{.context = tape.alias(root, context)};
  if (options.weights) result.weights = tape.alias(root, {weights, {weight_count}});
  if (masses) result.mass = tape.alias(root, mass);
  return result;
}

}  // namespace heed::inline HEED_ABI
