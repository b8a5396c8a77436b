// SPDX-License-Identifier: Apache-2.0
// Pointwise aggregated attention of one sequence and one head, forward and backward (Zhai et al. 2024, equation 2):
//
//   s_ij = q_i . k_j + position_bias(i - j) + time_bias(bucket(t_i - t_j))   context_i = sum_j<=i silu(s_ij) v_j / n_i
//
// Without softmax, a weight is not relative to the other keys. n_i = i + 1 is the number of events that query i sees:
// the paper divides by the longest length, which is less accurate (NetEase's code), and the sequence's own length would
// tell a query how many events follow. Uses tiles as in attention.hpp, their causal half.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "heed/kernels/activation.hpp"
#include "heed/kernels/detail/attention_arrays.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Returns about 2 log2 of the time between two events, in seconds: buckets begin at 1, 1.5, 2, 3, 4, 6, 8 .. and
/// shorter times are in the first. (Buckets of half an octave: the exponent and the first mantissa bit of a number.
/// Zhai's code has log(t) / 0.301.)
inline Index time_bucket(double apart, Index buckets) {
  const double t = std::abs(apart);
  const auto half_octaves = static_cast<Index>(std::bit_cast<std::uint64_t>(t > 1 ? t : 1.0) >> 51) - 2 * 1023;
  return half_octaves < buckets ? half_octaves : buckets - 1;
}

/// One head of one sequence; all views are `[tokens, head width]`, possibly columns of wider arrays.
template <class Scalar>
struct PointwiseUnit {
  MatrixView<const Scalar> q, k, v;
  const Scalar* position_bias = nullptr;  ///< of distance d at position_bias[-d]; may be null
  const double* times = nullptr;          ///< [tokens] in seconds; null: no time bias
  const Scalar* time_bias = nullptr;      ///< [buckets]
  Index buckets = 0;
  MatrixView<Scalar> weights{};                ///< [tokens, tokens]: silu(s_ij) / n_i, 0 for later keys; may be empty
  MatrixView<const Scalar> d_weights{};        ///< dL/d(weights), for the backward pass; may be empty (0)
  RowPrefetcher<Scalar>* next_rows = nullptr;  ///< of the next unit

  Index tokens() const { return q.rows(); }
};

/// The gradients that the backward pass adds to; each may be empty or null.
template <class Scalar>
struct PointwiseGradients {
  MatrixView<Scalar> dq, dk, dv;
  Scalar* d_position_bias = nullptr;  ///< indexed as `position_bias`
  Scalar* d_time_bias = nullptr;
};

namespace detail {

/// Returns 1 / n_i; query i sees i + 1 keys.
template <class Scalar>
Scalar inverse_count(Index i) {
  return Scalar(1) / static_cast<Scalar>(i + 1);
}

/// Returns a unit that tells which keys a query sees.
template <class Scalar>
AttentionUnit<Scalar> causal_pairs(const PointwiseUnit<Scalar>& u) {
  AttentionUnit<Scalar> pairs;
  pairs.q = u.q;
  pairs.k = u.k;
  pairs.mask.causal = true;
  return pairs;
}

/// Adds the biases of query i and `count` keys from j on to their scores. Writes the keys' buckets to `bucket`.
template <class Scalar, class Isa>
[[gnu::noinline]] void add_bias(const PointwiseUnit<Scalar>& u, Index i, Index j, Index count, Scalar* row,
                                std::int32_t* bucket) {
  using P = simd::Pack<Scalar, Isa>;
  if (u.position_bias != nullptr) {
    const Scalar* bias = u.position_bias - (i - j);
    simd::for_each_pack<P>(count,
                           [&](Index c, Index n) { (P::load(row + c) + simd::load<P>(bias + c, n)).store(row + c); });
  }
  if (u.times == nullptr) return;
  const double now = u.times[i];
  const double* then = u.times + j;
  for (Index c = 0; c < count; ++c) bucket[c] = static_cast<std::int32_t>(time_bucket(now - then[c], u.buckets));
  for (Index c = 0; c < count; ++c) row[c] += u.time_bias[bucket[c]];
}

template <class Scalar, class Isa>
class PointwiseForward {
  using P = simd::Pack<Scalar, Isa>;
  using Arrays = ForwardArrays<Scalar, Isa>;

 public:
  static constexpr Index strip = Arrays::strip, block = Arrays::block;

  static Index scratch(Index tokens, Index width, Index depth) {
    return Arrays(ScratchLayout<Scalar>(nullptr), tokens, width, depth, false).size;
  }

  PointwiseForward(const PointwiseUnit<Scalar>& unit, MatrixView<Scalar> context, Scalar* scratch)
      : u_(unit),
        context_(context),
        a_(ScratchLayout<Scalar>(scratch), unit.tokens(), unit.k.cols(), unit.v.cols(), false) {}

  void run() {
    const Index width = u_.k.cols(), tokens = u_.tokens();
    a_.pack(u_.k, u_.v, Scalar(1));
    for (Index i = 0; i < tokens; i += strip) {
      const Index rows = std::min(strip, tokens - i);
      std::fill_n(a_.out, rows * a_.wide, Scalar(0));
      for (Index j = 0; j < i + rows; j += block) {
        const Seen seen(pairs_, i, rows, j, std::min(block, tokens - j), nullptr);
        tile_scores<Scalar, Isa>(seen, width, u_.q.row(i), u_.q.row_stride(), a_.k_t + j * width, a_.s, block);
        weights(seen, i, j);
        if (u_.weights) store_weights(seen, i, j);
        sum_over_keys<Scalar, Isa>(seen, !a_.finite && seen.mixed(), a_.s, block, a_.v + j * a_.wide, a_.wide, a_.out);
      }
      for (Index r = 0; r < rows; ++r) {
        const P share(inverse_count<Scalar>(i + r));
        simd::for_each_pack<P>(context_.cols(), [&](Index c, Index n) {
          simd::store(P::load(a_.out + r * a_.wide + c) * share, context_.row(i + r) + c, n);
        });
      }
    }
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  /// Replaces scores by weights, not yet divided by n_i; 0 where hidden.
  [[gnu::noinline]] void weights(const Seen& seen, Index i, Index j) {
    std::int32_t bucket[block];
    const P zero(Scalar(0));
    for (Index r = 0; r < seen.rows; ++r) {
      Scalar* row = a_.s + r * block;
      if (u_.next_rows != nullptr) u_.next_rows->step(4);
      add_bias<Scalar, Isa>(u_, i + r, j, seen.end[r], row, bucket);
      Index c = 0;
      for (; c < seen.end[r]; c += P::width) {
        const P x = P::load(row + c);
        keep_first(x * sigmoid(x), std::min<Index>(P::width, seen.end[r] - c), zero).store(row + c);
      }
      for (; c < seen.widest_from(r / tile_rows<Isa> * tile_rows<Isa>); c += P::width) zero.store(row + c);
    }
  }

  /// Writes the weights of a tile, divided by n_i, and 0 for the keys after each query.
  [[gnu::noinline]] void store_weights(const Seen& seen, Index i, Index j) {
    for (Index r = 0; r < seen.rows; ++r) {
      Scalar* const out = u_.weights.row(i + r) + j;
      const Scalar share = inverse_count<Scalar>(i + r);
      for (Index c = 0; c < seen.end[r]; ++c) out[c] = a_.s[r * block + c] * share;
      std::fill(out + seen.end[r], out + u_.tokens() - j, Scalar(0));
    }
  }

  const PointwiseUnit<Scalar>& u_;
  const AttentionUnit<Scalar> pairs_ = causal_pairs(u_);
  MatrixView<Scalar> context_;
  Arrays a_;
};

template <class Scalar, class Isa>
class PointwiseBackward {
  using P = simd::Pack<Scalar, Isa>;

  /// Rows of ds end in at least one register of zeros, which `positions` reads between two rows.
  using Arrays = BackwardArrays<Scalar, Isa, 64 + 16>;
  /// d_times is [tables, buckets]: adjacent keys mostly share their bucket, so they add to different tables.
  static constexpr Index tables = 4;

 public:
  static constexpr Index strip = Arrays::strip, block = Arrays::block, pitch = Arrays::pitch;

  static Index scratch(Index tokens, Index width, Index depth, Index buckets) {
    return Arrays(ScratchLayout<Scalar>(nullptr), tokens, width, depth, false, tables * buckets).size;
  }

  PointwiseBackward(const PointwiseUnit<Scalar>& unit, MatrixView<const Scalar> d_context,
                    const PointwiseGradients<Scalar>& out, Scalar* scratch)
      : u_(unit),
        d_context_(d_context),
        to_(out),
        a_(ScratchLayout<Scalar>(scratch), unit.tokens(), unit.q.cols(), unit.v.cols(), false, tables * unit.buckets) {
    a_.dq = out.dq;
    a_.dk = out.dk;
    a_.dv = out.dv;
  }

  void run() {
    const Index tokens = u_.tokens();
    a_.take_queries(u_.q);
    for (Index i = 0; i < tokens; ++i) {
      a_.finite_d &=
          pack_rows<Scalar, Isa>(d_context_.rows(i, i + 1), inverse_count<Scalar>(i), a_.d_out + i * a_.deep);
    }
    std::fill_n(a_.zeros, Arrays::margin, Scalar(0));
    std::fill_n(a_.d_times, tables * u_.buckets, Scalar(0));
    for (Index j = 0; j < tokens; j += block) key_block(j, std::min(block, tokens - j));
    a_.add_queries();
    if (to_.d_time_bias == nullptr) return;
    for (Index b = 0; b < u_.buckets; ++b) {
      for (Index t = 0; t < tables; ++t) to_.d_time_bias[b] += a_.d_times[t * u_.buckets + b];
    }
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  void key_block(Index j, Index keys) {
    a_.take_keys(u_.k.rows(j, j + keys), u_.v.rows(j, j + keys), Scalar(1));
    for (Index i = j; i < u_.tokens(); i += strip) {  // earlier queries do not see these keys
      const Seen seen(pairs_, i, std::min(strip, u_.tokens() - i), j, keys, nullptr);
      a_.scores(seen, i);
      cotangents(seen, i, j);
      if (to_.d_position_bias != nullptr) positions(seen, i, j);
      a_.gradients(seen, i);
    }
    a_.add_keys(j, keys, Scalar(1));
  }

  /// Replaces scores by undivided weights, and gradients of the weights (divided by n_i) by those of the scores.
  [[gnu::noinline]] void cotangents(const Seen& seen, Index i, Index j) {
    std::int32_t bucket[block];
    const P zero(Scalar(0));
    for (Index r = 0; r < seen.rows; ++r) {
      const Index end = seen.end[r];
      Scalar *p_row = a_.p + r * block, *d_row = a_.ds + r * pitch;
      if (u_.next_rows != nullptr) u_.next_rows->step(8);
      add_bias<Scalar, Isa>(u_, i + r, j, end, p_row, bucket);
      if (u_.d_weights) {
        const Scalar* const d_weights = u_.d_weights.row(i + r) + j;
        const Scalar share = inverse_count<Scalar>(i + r);
        for (Index c = 0; c < end; ++c) d_row[c] += share * d_weights[c];
      }
      Index c = 0;
      for (; c < end; c += P::width) {
        const Index n = std::min<Index>(P::width, end - c);
        const P x = P::load(p_row + c), share = sigmoid(x), y = x * share;
        keep_first(y, n, zero).store(p_row + c);
        keep_first(P::load(d_row + c) * (y + share * (P(Scalar(1)) - y)), n, zero).store(d_row + c);
      }
      for (Index z = c; z < block; z += P::width) zero.store(p_row + z);
      for (; c < pitch; c += P::width) zero.store(d_row + c);
      if (to_.d_time_bias == nullptr || u_.times == nullptr) continue;
      for (c = 0; c < end; ++c) a_.d_times[c % tables * u_.buckets + bucket[c]] += d_row[c];
    }
  }

  /// Sums the scores' gradients along the diagonals, one register of diagonals at a time.
  [[gnu::noinline]] void positions(const Seen& seen, Index i, Index j) {
    Scalar* at = to_.d_position_bias - (i - j);
    const Index end = std::min(seen.widest(), i - j + 1);
    for (Index d = 1 - seen.rows; d < end; d += P::width) {
      P sum(Scalar(0));
      const Index last = std::min(seen.rows, seen.widest() - d);
      for (Index r = std::max(Index{0}, 1 - P::width - d); r < last; ++r) {
        sum = sum + P::load(a_.ds + r * pitch + r + d);
      }
      const Index n = std::min<Index>(P::width, end - d);
      simd::store(simd::load<P>(at + d, n) + sum, at + d, n);
    }
  }

  const PointwiseUnit<Scalar>& u_;
  const AttentionUnit<Scalar> pairs_ = causal_pairs(u_);
  MatrixView<const Scalar> d_context_;
  const PointwiseGradients<Scalar>& to_;
  Arrays a_;
};

}  // namespace detail

/// Returns the scratch size in elements for both passes; `width` is that of q and k, `depth` that of v.
template <class Scalar, class Isa = simd::NativeIsa>
Index pointwise_attention_scratch(Index tokens, Index width, Index depth, Index buckets) {
  return std::max(detail::PointwiseForward<Scalar, Isa>::scratch(tokens, width, depth),
                  detail::PointwiseBackward<Scalar, Isa>::scratch(tokens, width, depth, buckets));
}

/// Overwrites context [tokens, width of v].
template <class Scalar, class Isa = simd::NativeIsa>
void pointwise_attention_forward(const PointwiseUnit<Scalar>& u, MatrixView<Scalar> context, Scalar* scratch) noexcept {
  detail::PointwiseForward<Scalar, Isa>(u, context, scratch).run();
}

/// Adds to the gradients, given that of the context.
template <class Scalar, class Isa = simd::NativeIsa>
void pointwise_attention_backward(const PointwiseUnit<Scalar>& u, MatrixView<const Scalar> d_context,
                                  const PointwiseGradients<Scalar>& gradients, Scalar* scratch) noexcept {
  detail::PointwiseBackward<Scalar, Isa>(u, d_context, gradients, scratch).run();
}

}  // namespace heed::inline HEED_ABI::kernels
