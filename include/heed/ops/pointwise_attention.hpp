// SPDX-License-Identifier: Apache-2.0
// Multi-head pointwise aggregated attention (HSTU's) over ragged sequences, as one operation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/pointwise_attention.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/attention.hpp"

namespace heed::inline HEED_ABI {

/// The biases are shared by the heads; each may be empty.
template <class Scalar>
struct PointwiseAttentionOptions {
  Index num_heads = 1;
  Var<Scalar> position_bias{};            ///< [distances], at least the maximum length of the sequences
  Var<Scalar> time_bias{};                ///< [buckets]: see kernels::time_bucket
  std::span<const std::int64_t> times{};  ///< [tokens], in any unit; read, and copied, for `time_bias` only
  bool weights = false;

  void fields(auto&& visitor) {
    visitor("num_heads", num_heads, "position_bias", position_bias, "time_bias", time_bias, "times", times, "weights", weights);
  }
};

/// q, k [tokens, E], v [tokens, V] -> context [tokens, V]; head h reads column block h of each. In each sequence,
/// w_ij = silu(q_i . k_j + position_bias[i - j] + time_bias[bucket(t_i - t_j)]) / (i + 1) for j <= i, else 0, and
/// context_i = sum_j w_ij v_j. If requested, the weights are each sequence's [heads, queries, keys], concatenated; they
/// are differentiable, may be negative and need not sum to 1. Source: Zhai et al. (2024), equation 2. Their code uses
/// the time of the event after i instead of t_i: known when a query is served, but no other model here uses it.
template <class Scalar>
AttentionResult<Scalar> pointwise_attention(Var<Scalar> q, Var<Scalar> k, Var<Scalar> v, const Segments& segments,
                                            const PointwiseAttentionOptions<Scalar>& options = {}) {
  constexpr const char* operation = "pointwise_attention";
  const Var<Scalar> position_bias = options.position_bias, time_bias = options.time_bias;
  Tape<Scalar>& tape = tape_of(operation, q, k, v, position_bias, time_bias);
  detail::check_attention(operation, q, segments, k, v, segments);
  const Index heads = options.num_heads, d = heads > 0 ? q.cols() / heads : 0, dv = heads > 0 ? v.cols() / heads : 0;
  if (heads <= 0 || d <= 0 || d * heads != q.cols() || dv * heads != v.cols()) {
    fail<ShapeError>(operation, heads, " heads do not divide ", q.cols(), " key and ", v.cols(), " value features");
  }
  const Index distances = position_bias ? position_bias.shape().size() : 0;
  const Index buckets = time_bias ? time_bias.shape().size() : 0;
  if (position_bias && distances < segments.max_length()) {
    fail<ShapeError>(operation, "biases of ", distances, " distances for a sequence of ", segments.max_length());
  }
  if (time_bias && (buckets == 0 || static_cast<Index>(options.times.size()) != segments.tokens())) {
    fail<ShapeError>(operation, options.times.size(), " times and ", buckets, " buckets of time for ",
                     segments.tokens(), " tokens");
  }
  const SegmentsView cut = tape.keep(segments);
  const Index* const offsets = options.weights ? detail::weight_offsets(tape, cut, cut, heads) : nullptr;
  const Index weight_count = options.weights ? offsets[cut.count] : 0;
  const auto all = tape.allocate({cut.tokens() * v.cols() + weight_count});
  const TensorView<Scalar> context(all.data(), {cut.tokens(), v.cols()});
  const TensorView<const Scalar> qv = q.value(), kv = k.value(), vv = v.value();
  // In order of decreasing distance, like the keys of a query.
  Scalar* by_distance = tape.template allocate_array<Scalar>(distances);
  if (position_bias) {
    const auto bias = detail::dense(tape, position_bias);
    std::reverse_copy(bias.data(), bias.data() + distances, by_distance);
  }
  const Scalar* by_time = time_bias ? detail::dense(tape, time_bias).data() : nullptr;
  double* times = tape.template allocate_array<double>(time_bias ? cut.tokens() : 0);
  for (Index i = 0; time_bias && i < cut.tokens(); ++i) {
    times[i] = static_cast<double>(options.times[static_cast<std::size_t>(i)]);
  }

  // A unit is one head of one sequence. Returns its rows and columns of an array, or an empty view of an empty array.
  const auto slice = [=](auto view, Index width, Index i) __attribute__((noinline)) {
    const Index b = i / heads, h = i % heads;
    return view ? view.rows(cut.begin(b), cut.end(b)).columns(h * width, (h + 1) * width) : view.matrix();
  };
  const auto weights_of = [=](auto* from, Index i) {
    const Index b = i / heads, n = cut.length(b);
    return MatrixView(from + context.size() + offsets[b] + i % heads * n * n, {n, n});
  };
  const auto unit = [=](Index i) __attribute__((noinline)) {
    const Index b = i / heads;
    kernels::PointwiseUnit<Scalar> u{slice(qv, d, i), slice(kv, d, i), slice(vv, dv, i)};
    if (distances > 0) u.position_bias = by_distance + distances - 1;
    if (buckets > 0) u.times = times + cut.begin(b);
    u.time_bias = by_time;
    u.buckets = buckets;
    if (offsets != nullptr) u.weights = weights_of(all.data(), i);
    return u;
  };
  const auto follows = [=](Index i) { return i + 1 < cut.count * heads; };
  const Index scratch_size = kernels::pointwise_attention_scratch<Scalar>(cut.max_length, d, dv, buckets);
  detail::run_with_scratch(tape, cut.count * heads, scratch_size, [&](Index i, Scalar* scratch) {
    kernels::PointwiseUnit<Scalar> u = unit(i);
    kernels::RowPrefetcher<Scalar> ahead;
    if (follows(i)) {
      u.next_rows = &ahead;
      for (const auto& x : {slice(qv, d, i + 1), slice(kv, d, i + 1), slice(vv, dv, i + 1)}) ahead.add(x);
    }
    kernels::pointwise_attention_forward<Scalar>(u, slice(context, dv, i), scratch);
  });
  const Var<Scalar> root = record(tape, {q, k, v, position_bias, time_bias}, all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    const detail::SequenceGradients<Scalar> to(g, q, cut, k, v, cut);
    const TensorView<const Scalar> d_context(g.output().data(), context.shape());
    const auto d_position = g(position_bias), d_time = g(time_bias);
    ArenaScope scope(t.scratch());
    // All sequences use the biases: each has its own partial gradients, which are summed in order afterwards.
    const auto shares = [&](TensorView<Scalar> wanted, Index size) {
      const auto out = t.scratch().template tensor<Scalar>({wanted ? cut.count : 0, size});
      std::fill_n(out.data(), out.size(), Scalar(0));
      return out;
    };
    const auto position_shares = shares(d_position, distances), time_shares = shares(d_time, buckets);
    const auto sequence = [&](Index b, Scalar* scratch) {
      for (Index i = b * heads; i < (b + 1) * heads; ++i) {
        kernels::PointwiseUnit<Scalar> u = unit(i);
        if (offsets != nullptr) u.d_weights = weights_of(g.output().data(), i);
        kernels::RowPrefetcher<Scalar> ahead;
        if (follows(i)) {
          u.next_rows = &ahead;
          for (const auto& x : {qv, kv, vv, d_context}) ahead.add(slice(x, x.cols() / heads, i + 1));
          for (const auto& x : {to.q(), to.k(), to.v()}) ahead.add(slice(x, x.cols() / heads, i + 1));
        }
        const kernels::PointwiseGradients<Scalar> sums{slice(to.q(), d, i), slice(to.k(), d, i), slice(to.v(), dv, i),
                                                       d_position ? position_shares.row(b) + distances - 1 : nullptr,
                                                       d_time ? time_shares.row(b) : nullptr};
        kernels::pointwise_attention_backward<Scalar>(u, slice(d_context, dv, i), sums, scratch);
      }
    };
    to.run(scratch_size, sequence);
    if (d_position) {
      const auto sums = t.scratch().template tensor<Scalar>({distances});
      std::fill_n(sums.data(), distances, Scalar(0));
      kernels::add_column_sums<Scalar>(position_shares, sums.data());
      detail::add_dense(t, d_position, [&](Scalar* out) {
        for (Index i = 0; i < distances; ++i) out[i] += sums[distances - 1 - i];
      });
    }
    if (d_time) {
      detail::add_dense(t, d_time, [&](Scalar* out) { kernels::add_column_sums<Scalar>(time_shares, out); });
    }
  });
  AttentionResult<Scalar> result{.context = tape.alias(root, context)};
  if (options.weights) result.weights = tape.alias(root, {all.data() + context.size(), {weight_count}});
  return result;
}

}  // namespace heed::inline HEED_ABI
