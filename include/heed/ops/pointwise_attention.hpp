// SPDX-License-Identifier: Apache-2.0
// Multi-head pointwise aggregated attention (HSTU's) over ragged sequences, as one operation.
#pragma once

#include <algorithm>
#include <span>

#include "heed/kernels/pointwise_attention.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/detail/attention_operands.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/sequence_gradients.hpp"

namespace heed::inline HEED_ABI {

/// The biases are shared by the heads; each may be empty.
template <class Scalar>
struct PointwiseAttentionOptions {
  Index num_heads = 1;
  Var<Scalar> position_bias{};      ///< [distances], at least the maximum length of the sequences
  Var<Scalar> time_bias{};          ///< [buckets]: see kernels::time_bucket
  std::span<const double> times{};  ///< [tokens] in seconds; read, and copied, for `time_bias` only
  bool weights = false;

  void fields(auto&& visitor) {
    visitor("num_heads", num_heads, "position_bias", position_bias, "time_bias", time_bias, "times", times, "weights",
            weights);
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
  const Index heads = options.num_heads;
  detail::check_heads(operation, heads, q, v);
  const Index distances = position_bias ? position_bias.shape().size() : 0;
  const Index buckets = time_bias ? time_bias.shape().size() : 0;
  if (position_bias && distances < segments.max_length()) {
    fail<ShapeError>(operation, "biases of ", distances, " distances for a sequence of ", segments.max_length());
  }
  if (time_bias && (buckets == 0 || static_cast<Index>(options.times.size()) != segments.tokens())) {
    fail<ShapeError>(operation, options.times.size(), " times and ", buckets, " buckets of time for ",
                     segments.tokens(), " tokens");
  }
  const detail::AttentionOperands<Scalar> of(operation, tape, q, segments, k, v, segments, {.weights = options.weights},
                                             heads);
  const SegmentsView cut = of.qs;
  const Index d = of.width, dv = of.depth;
  // In order of decreasing distance, like the keys of a query.
  Scalar* by_distance = tape.template allocate_array<Scalar>(distances);
  if (position_bias) {
    const auto bias = detail::dense(tape, position_bias);
    std::reverse_copy(bias.data(), bias.data() + distances, by_distance);
  }
  const Scalar* by_time = time_bias ? detail::dense(tape, time_bias).data() : nullptr;
  double* times = tape.template allocate_array<double>(time_bias ? cut.tokens() : 0);
  if (time_bias) std::ranges::copy(options.times, times);

  const auto part = [=](auto view, Index width, Index i) { return of.part(view, cut, width, i); };
  const auto unit = [=](Index i) __attribute__((noinline)) {
    const Index b = i / heads;
    kernels::PointwiseUnit<Scalar> u{part(of.q, d, i), part(of.k, d, i), part(of.v, dv, i)};
    if (distances > 0) u.position_bias = by_distance + distances - 1;
    if (buckets > 0) u.times = times + cut.begin(b);
    u.time_bias = by_time;
    u.buckets = buckets;
    u.weights = {of.weights_of(of.all, i), {cut.length(b), cut.length(b)}};
    return u;
  };
  const auto follows = [=](Index i) { return i + 1 < cut.count * heads; };
  const Index scratch_size = kernels::pointwise_attention_scratch<Scalar>(cut.max_length, d, dv, buckets);
  detail::run_with_scratch(tape, cut.count * heads, scratch_size, [&](Index i, Scalar* scratch) {
    kernels::PointwiseUnit<Scalar> u = unit(i);
    kernels::RowPrefetcher<Scalar> ahead;
    if (follows(i)) {
      u.next_rows = &ahead;
      for (const auto& x : {part(of.q, d, i + 1), part(of.k, d, i + 1), part(of.v, dv, i + 1)}) ahead.add(x);
    }
    kernels::pointwise_attention_forward<Scalar>(u, of.context_of(of.all, i), scratch);
  });
  const Var<Scalar> root = record(tape, {q, k, v, position_bias, time_bias}, of.all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    const detail::SequenceGradients<Scalar> to(g, q, cut, k, v, cut);
    const TensorView<const Scalar> d_context(g.output().data(), of.context.shape());
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
        u.d_weights = {of.weights_of(g.output(), i), {u.tokens(), u.tokens()}};
        kernels::RowPrefetcher<Scalar> ahead;
        if (follows(i)) {
          u.next_rows = &ahead;
          for (const auto& x : {of.q, of.k, of.v, d_context}) ahead.add(part(x, x.cols() / heads, i + 1));
          for (const auto& x : {to.q(), to.k(), to.v()}) ahead.add(part(x, x.cols() / heads, i + 1));
        }
        const kernels::PointwiseGradients<Scalar> sums{part(to.q(), d, i), part(to.k(), d, i), part(to.v(), dv, i),
                                                       d_position ? position_shares.row(b) + distances - 1 : nullptr,
                                                       d_time ? time_shares.row(b) : nullptr};
        kernels::pointwise_attention_backward<Scalar>(u, part(d_context, dv, i), sums, scratch);
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
  return of.result(tape, root);
}

}  // namespace heed::inline HEED_ABI
