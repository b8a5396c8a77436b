// SPDX-License-Identifier: Apache-2.0
// Multi-head scaled dot-product attention over ragged sequences, as one operation.
#pragma once

#include <cmath>
#include <span>

#include "heed/kernels/attention.hpp"
#include "heed/ops/detail/attention_operands.hpp"
#include "heed/ops/detail/sequence_gradients.hpp"

namespace heed::inline HEED_ABI {

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

namespace detail {

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
  const Index heads = options.num_heads;
  detail::check_heads("attention", heads, q, v);
  check_probability("attention", "dropout", options.dropout);
  const bool no_tokens = q_segments.tokens() == 0 && k_segments.tokens() == 0;
  const bool masses = no_tokens || !options.key_items.empty() || !options.query_items.empty();
  if (masses && (static_cast<Index>(options.key_items.size()) != k_segments.tokens() ||
                 static_cast<Index>(options.query_items.size()) != q_segments.tokens())) {
    fail<ShapeError>("attention", options.key_items.size(), " key items and ", options.query_items.size(),
                     " query items for ", k_segments.tokens(), " keys and ", q_segments.tokens(), " queries");
  }
  const Shape mass_shape{masses ? q_segments.tokens() : 0, heads};
  const detail::AttentionOperands<Scalar> of("attention", tape, q, q_segments, k, v, k_segments,
                                             {options.mask, options.weights}, heads, mass_shape.size());
  const SegmentsView qs = of.qs, ks = of.ks;
  const Index d = of.width, mass_at = of.context.size() + of.weight_count();
  const auto* key_items = masses ? detail::keep_items("attention", tape, options.key_items) : nullptr;
  const auto* query_items = masses ? detail::keep_items("attention", tape, options.query_items) : nullptr;
  const TensorView<Scalar> mass =
      masses ? TensorView<Scalar>(of.all.data() + mass_at, mass_shape) : TensorView<Scalar>();
  Scalar* log_sums = tape.template allocate_array<Scalar>(heads * qs.tokens());
  const bool drops = tape.training() && options.dropout > 0;
  const Random random = drops ? tape.next_random() : Random();
  const Index kept_row = kernels::kept_words(ks.max_length);
  auto* const kept = tape.template allocate_array<std::uint16_t>(drops ? heads * qs.tokens() * kept_row : 0);
  const auto scale = static_cast<Scalar>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(d)));
  const auto keep = drops ? static_cast<Scalar>(1 - options.dropout) : Scalar(1);

  const auto unit = [=](Index i) __attribute__((noinline)) {
    const Index b = i / heads, h = i % heads;
    kernels::AttentionUnit<Scalar> u = of.unit(i);
    u.scale = scale;
    u.keep = keep;
    u.random = random.fork(static_cast<std::uint64_t>(i));
    u.log_sums = log_sums + h * qs.tokens() + qs.begin(b);
    u.kept = kept + (h * qs.tokens() + qs.begin(b)) * kept_row;
    if (masses) {
      u.key_items = key_items + ks.begin(b);
      u.query_items = query_items + qs.begin(b);
      u.mass = of.part(mass, qs, 1, i);
    }
    return u;
  };
  // Whether to prefetch the next unit's rows: not during a unit with few queries, which finishes too soon.
  const auto follows = [=](Index i) { return i + 1 < qs.count * heads && qs.length(i / heads) >= 16; };
  const Index scratch_size = kernels::attention_scratch<Scalar>(qs.max_length, ks.max_length, d, of.depth);
  detail::run_with_scratch(tape, qs.count * heads, scratch_size, [&](Index i, Scalar* scratch) {
    kernels::AttentionUnit<Scalar> u = unit(i);
    kernels::RowPrefetcher<Scalar> ahead;
    if (follows(i)) {
      const kernels::AttentionUnit<Scalar> next = unit(i + 1);
      for (const auto& x : {next.q, next.k, next.v}) ahead.add(x);
      u.next_rows = &ahead;
    }
    kernels::attention_forward<Scalar>(u, of.context_of(of.all, i), of.weights_of(of.all, i), scratch);
  });
  const Var<Scalar> root = record(tape, {q, k, v}, of.all, [=](const Gradients<Scalar>& g) {
    const detail::SequenceGradients<Scalar> to(g, q, qs, k, v, ks);
    const TensorView<const Scalar> output(of.all), d_output = g.output();
    // One sequence per chunk: when q, k and v share memory, its heads must add their gradients one after the other.
    const auto sequence = [&](Index b, Scalar* scratch) {
      for (Index i = b * heads; i < (b + 1) * heads; ++i) {
        kernels::AttentionUnit<Scalar> u = unit(i);
        kernels::RowPrefetcher<Scalar> ahead;
        if (follows(i)) {
          const kernels::AttentionUnit<Scalar> next = unit(i + 1);
          for (const auto& x : {next.q, next.k, next.v}) ahead.add(x);
          for (const auto& x : {output, d_output}) ahead.add(of.context_of(x, i + 1));
          ahead.add(of.part(to.q(), qs, d, i + 1));
          ahead.add(of.part(to.k(), ks, d, i + 1));
          ahead.add(of.part(to.v(), ks, of.depth, i + 1));
          u.next_rows = &ahead;
        }
        kernels::AttentionCotangents<Scalar> given{of.context_of(output, i), of.context_of(d_output, i),
                                                   of.weights_of(output, i), of.weights_of(d_output, i)};
        if (masses) {
          given.d_mass = of.part(TensorView<const Scalar>(d_output.data() + mass_at, mass_shape), qs, 1, i);
        }
        kernels::attention_backward<Scalar>(u, given, of.part(to.q(), qs, d, i), of.part(to.k(), ks, d, i),
                                            of.part(to.v(), ks, of.depth, i), scratch);
      }
    };
    to.run(scratch_size, sequence);
  });
  AttentionResult<Scalar> result = of.result(tape, root);
  if (masses) result.mass = tape.alias(root, mass);
  return result;
}

}  // namespace heed::inline HEED_ABI
