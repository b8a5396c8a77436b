// SPDX-License-Identifier: Apache-2.0
// Pointwise aggregated attention of one sequence and one head, forward and backward (Zhai et al. 2024, equation 2):
//
//   s_ij = q_i . k_j + position_bias(i - j) + time_bias(bucket(t_i - t_j))   context_i = sum_j<=i silu(s_ij) v_j / n_i
//
// No softmax, so a weight says how much rather than how much beside the others. n_i = i + 1, the events that query i
// sees: the paper divides by the longest sequence, which is less good (NetEase's code), and the sequence's own length
// would tell a query how much is to come. Tiles of queries and keys as in attention.hpp, the causal half of them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "heed/kernels/activation.hpp"
#include "heed/kernels/detail/tile_products.hpp"

namespace heed::inline HEED_ABI::kernels {

/// About 2 log2 of the time between two events, in any unit: buckets begin at 1, 1.5, 2, 3, 4, 6, 8 .. and whatever is
/// less is in the first. (Half an octave each: the exponent and the first bit of a number. Zhai's code has
/// log(t) / 0.301.)
inline Index time_bucket(double apart, Index buckets) {
  const double t = std::abs(apart);
  const auto half_octaves = static_cast<Index>(std::bit_cast<std::uint64_t>(t > 1 ? t : 1.0) >> 51) - 2 * 1023;
  return half_octaves < buckets ? half_octaves : buckets - 1;
}

/// One sequence's share of one head; all views are `[tokens, head width]`, possibly columns of wider arrays.
template <class Scalar>
struct PointwiseUnit {
  MatrixView<const Scalar> q, k, v;
  const Scalar* position_bias = nullptr;  ///< of distance d at position_bias[-d]; null: none
  const double* times = nullptr;          ///< [tokens]; null: no time bias
  const Scalar* time_bias = nullptr;      ///< [buckets]
  Index buckets = 0;
  MatrixView<Scalar> weights{};          ///< [tokens, tokens]: silu(s_ij) / n_i, 0 for later keys; empty: not wanted
  MatrixView<const Scalar> d_weights{};  ///< dL/d(weights), for the backward pass; empty: 0
  RowsAhead<Scalar>* ahead = nullptr;  ///< of the unit that follows

  Index tokens() const { return q.rows(); }
};

/// Where the backward pass adds; each may be empty or null.
template <class Scalar>
struct PointwiseGradients {
  MatrixView<Scalar> dq, dk, dv;
  Scalar* d_position_bias = nullptr;  ///< as `position_bias`
  Scalar* d_time_bias = nullptr;
};

namespace detail {

/// What the forward and the backward pass share.
template <class Scalar, class Isa>
class PointwiseTiles {
 protected:
  using P = simd::Pack<Scalar, Isa>;

  explicit PointwiseTiles(const PointwiseUnit<Scalar>& unit) : u_(unit), tokens_(unit.tokens()) {
    pairs_.q = u_.q;
    pairs_.k = u_.k;
    pairs_.mask.causal = true;
  }

  Scalar inverse_count(Index i) const { return Scalar(1) / static_cast<Scalar>(i + 1); }

  /// Adds the biases of query i and `count` keys from j on to their scores. Leaves the keys' buckets.
  [[gnu::noinline]] void add_bias(Index i, Index j, Index count, Scalar* row, std::int32_t* bucket) const {
    if (u_.position_bias != nullptr) {
      const Scalar* bias = u_.position_bias - (i - j);
      simd::for_each_pack<P>(count,
                             [&](Index c, Index n) { (P::load(row + c) + simd::load<P>(bias + c, n)).store(row + c); });
    }
    if (u_.times == nullptr) return;
    const double now = u_.times[i];
    const double* then = u_.times + j;
    for (Index c = 0; c < count; ++c) bucket[c] = static_cast<std::int32_t>(time_bucket(now - then[c], u_.buckets));
    for (Index c = 0; c < count; ++c) row[c] += u_.time_bias[bucket[c]];
  }

  const PointwiseUnit<Scalar>& u_;
  AttentionUnit<Scalar> pairs_;  ///< says who sees whom
  Index tokens_;
};

template <class Scalar, class Isa>
class PointwiseForward : PointwiseTiles<Scalar, Isa> {
  using Base = PointwiseTiles<Scalar, Isa>;
  using Base::u_, Base::tokens_, Base::pairs_;
  using typename Base::P;

 public:
  static constexpr Index strip = forward_strip<Isa>;  ///< queries of a tile
  static constexpr Index block = 256;                 ///< keys of a tile

  static Index scratch(Index tokens, Index width, Index depth) {
    const Index wide = whole_registers<Scalar, Isa>(depth);
    return round_up(tokens, key_panel) * width + tokens * wide + strip * (block + wide);
  }

  PointwiseForward(const PointwiseUnit<Scalar>& unit, MatrixView<Scalar> context, Scalar* scratch)
      : Base(unit), context_(context), wide_(whole_registers<Scalar, Isa>(unit.v.cols())) {
    s_ = scratch;
    out_ = s_ + strip * block;
    k_t_ = out_ + strip * wide_;
    v_ = k_t_ + round_up(tokens_, key_panel) * u_.k.cols();
  }

  void run() {
    const Index width = u_.k.cols();
    for (Index j = 0; j < tokens_; j += key_panel) {
      pack_panel<Scalar, Isa>(u_.k.rows(j, std::min(j + key_panel, tokens_)), Scalar(1), k_t_ + j * width);
    }
    const bool finite = pack_rows<Scalar, Isa>(u_.v, Scalar(1), v_);
    for (Index i = 0; i < tokens_; i += strip) {
      const Index rows = std::min(strip, tokens_ - i);
      std::fill_n(out_, rows * wide_, Scalar(0));
      for (Index j = 0; j < i + rows; j += block) {
        const Seen seen(pairs_, i, rows, j, std::min(block, tokens_ - j), nullptr);
        tile_scores<Scalar, Isa>(seen, width, u_.q.row(i), u_.q.row_stride(), k_t_ + j * width, s_, block);
        weights(seen, i, j);
        if (u_.weights) store_weights(seen, i, j);
        sum_over_keys<Scalar, Isa>(seen, !finite && seen.mixed(), s_, block, v_ + j * wide_, wide_, out_);
      }
      for (Index r = 0; r < rows; ++r) {
        const P share(this->inverse_count(i + r));
        simd::for_each_pack<P>(context_.cols(), [&](Index c, Index n) {
          simd::store(P::load(out_ + r * wide_ + c) * share, context_.row(i + r) + c, n);
        });
      }
    }
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  /// From scores to weights, not yet divided; 0 where hidden.
  [[gnu::noinline]] void weights(const Seen& seen, Index i, Index j) {
    std::int32_t bucket[block];
    const P zero(Scalar(0));
    for (Index r = 0; r < seen.rows; ++r) {
      Scalar* row = s_ + r * block;
      if (u_.ahead != nullptr) u_.ahead->step(4);
      this->add_bias(i + r, j, seen.end[r], row, bucket);
      Index c = 0;
      for (; c < seen.end[r]; c += P::width) {
        const P x = P::load(row + c);
        keep_first(x * sigmoid(x), std::min<Index>(P::width, seen.end[r] - c), zero).store(row + c);
      }
      for (; c < seen.widest_from(r / tile_rows<Isa> * tile_rows<Isa>); c += P::width) zero.store(row + c);
    }
  }

  /// The weights of a tile, divided, and 0 behind each query.
  [[gnu::noinline]] void store_weights(const Seen& seen, Index i, Index j) {
    for (Index r = 0; r < seen.rows; ++r) {
      Scalar* const out = u_.weights.row(i + r) + j;
      const Scalar share = this->inverse_count(i + r);
      for (Index c = 0; c < seen.end[r]; ++c) out[c] = s_[r * block + c] * share;
      std::fill(out + seen.end[r], out + tokens_ - j, Scalar(0));
    }
  }

  MatrixView<Scalar> context_;
  Index wide_;        ///< columns of v_ and out_
  Scalar *s_, *out_;  ///< [strip, block]; [strip, wide]: the context, not yet divided
  Scalar *k_t_, *v_;  ///< [panels, width, key_panel]; [tokens, wide]
};

template <class Scalar, class Isa>
class PointwiseBackward : PointwiseTiles<Scalar, Isa> {
  using Base = PointwiseTiles<Scalar, Isa>;
  using Base::u_, Base::tokens_, Base::pairs_;
  using typename Base::P;

 public:
  static constexpr Index strip = backward_strip<Isa>;  ///< queries of a tile
  static constexpr Index block = 64;                   ///< keys of a tile
  static constexpr Index pitch = block + 16;           ///< of the rows of ds: a register of zeros between two of them
  static constexpr Index tables = 4;  ///< of time buckets' gradients: neighbours mostly share their bucket

  static Index scratch(Index tokens, Index width, Index depth, Index buckets) {
    const Index wide = whole_registers<Scalar, Isa>(width), deep = whole_registers<Scalar, Isa>(depth);
    return strip * (block + pitch) + pitch + block * (width + depth + 2 * wide + deep) +
           round_up(tokens, strip) * (2 * wide + deep) + tables * buckets;
  }

  PointwiseBackward(const PointwiseUnit<Scalar>& unit, MatrixView<const Scalar> d_context,
                    const PointwiseGradients<Scalar>& out, Scalar* scratch)
      : Base(unit),
        d_context_(d_context),
        to_(out),
        wide_(whole_registers<Scalar, Isa>(unit.q.cols())),
        deep_(whole_registers<Scalar, Isa>(unit.v.cols())) {
    const auto take = [&](Index size) {
      Scalar* at = scratch;
      scratch += size;
      return at;
    };
    const Index tokens = round_up(tokens_, strip);
    p_ = take(strip * block);
    std::fill_n(scratch, pitch - block, Scalar(0));
    ds_ = take(strip * pitch + pitch - block) + pitch - block;
    k_t_ = take(block * u_.k.cols());
    v_t_ = take(block * u_.v.cols());
    k_rows_ = take(block * wide_);
    dk_rows_ = take(block * wide_);
    dv_rows_ = take(block * deep_);
    q_rows_ = take(tokens * wide_);
    dq_rows_ = take(tokens * wide_);
    d_out_ = take(tokens * deep_);
    d_times_ = take(tables * u_.buckets);
  }

  void run() {
    finite_q_ = pack_rows<Scalar, Isa>(u_.q, Scalar(1), q_rows_);
    for (Index i = 0; i < tokens_; ++i) {
      finite_d_ &= pack_rows<Scalar, Isa>(d_context_.rows(i, i + 1), this->inverse_count(i), d_out_ + i * deep_);
    }
    std::fill_n(dq_rows_, tokens_ * wide_, Scalar(0));
    std::fill_n(d_times_, tables * u_.buckets, Scalar(0));
    for (Index j = 0; j < tokens_; j += block) key_block(j, std::min(block, tokens_ - j));
    if (to_.dq) add_tile_rows<Scalar, Isa>(to_.dq, dq_rows_, wide_, Scalar(1));
    if (to_.d_time_bias == nullptr) return;
    for (Index b = 0; b < u_.buckets; ++b) {
      for (Index t = 0; t < tables; ++t) to_.d_time_bias[b] += d_times_[t * u_.buckets + b];
    }
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  void key_block(Index j, Index keys) {
    const MatrixView<const Scalar> k = u_.k.rows(j, j + keys), v = u_.v.rows(j, j + keys);
    for (Index p = 0; p < keys; p += key_panel) {
      const Index end = std::min(p + key_panel, keys);
      pack_panel<Scalar, Isa>(k.rows(p, end), Scalar(1), k_t_ + p * k.cols());
      pack_panel<Scalar, Isa>(v.rows(p, end), Scalar(1), v_t_ + p * v.cols());
    }
    const bool finite_k = pack_rows<Scalar, Isa>(k, Scalar(1), k_rows_);
    std::fill_n(dk_rows_, keys * wide_, Scalar(0));
    std::fill_n(dv_rows_, keys * deep_, Scalar(0));
    for (Index i = j; i < tokens_; i += strip) {  // earlier queries do not see these keys
      const Seen seen(pairs_, i, std::min(strip, tokens_ - i), j, keys, nullptr);
      Scalar *q = q_rows_ + i * wide_, *d_out = d_out_ + i * deep_;
      tile_scores<Scalar, Isa>(seen, k.cols(), q, wide_, k_t_, p_, block);
      tile_scores<Scalar, Isa>(seen, v.cols(), d_out, deep_, v_t_, ds_, pitch);
      cotangents(seen, i, j);
      if (to_.d_position_bias != nullptr) positions(seen, i, j);
      const bool mixed = seen.mixed();
      if (to_.dq) {
        sum_over_keys<Scalar, Isa>(seen, mixed && !finite_k, ds_, pitch, k_rows_, wide_, dq_rows_ + i * wide_);
      }
      if (to_.dk) sum_over_queries<Scalar, Isa>(seen, mixed && !finite_q_, ds_, pitch, q, wide_, dk_rows_);
      if (to_.dv) sum_over_queries<Scalar, Isa>(seen, mixed && !finite_d_, p_, block, d_out, deep_, dv_rows_);
    }
    if (to_.dk) add_tile_rows<Scalar, Isa>(to_.dk.rows(j, j + keys), dk_rows_, wide_, Scalar(1));
    if (to_.dv) add_tile_rows<Scalar, Isa>(to_.dv.rows(j, j + keys), dv_rows_, deep_, Scalar(1));
  }

  /// From scores to weights, not yet divided, and from the weights' cotangents, divided, to the scores'.
  [[gnu::noinline]] void cotangents(const Seen& seen, Index i, Index j) {
    std::int32_t bucket[block];
    const P zero(Scalar(0));
    for (Index r = 0; r < seen.rows; ++r) {
      const Index end = seen.end[r];
      Scalar *p_row = p_ + r * block, *d_row = ds_ + r * pitch;
      if (u_.ahead != nullptr) u_.ahead->step(8);
      this->add_bias(i + r, j, end, p_row, bucket);
      if (u_.d_weights) {
        const Scalar* const d_weights = u_.d_weights.row(i + r) + j;
        const Scalar share = this->inverse_count(i + r);
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
      for (c = 0; c < end; ++c) d_times_[c % tables * u_.buckets + bucket[c]] += d_row[c];
    }
  }

  /// Adds up the scores' cotangents along the diagonals, a register of them side by side.
  [[gnu::noinline]] void positions(const Seen& seen, Index i, Index j) {
    Scalar* at = to_.d_position_bias - (i - j);
    const Index end = std::min(seen.widest(), i - j + 1);
    for (Index d = 1 - seen.rows; d < end; d += P::width) {
      P sum(Scalar(0));
      const Index last = std::min(seen.rows, seen.widest() - d);
      for (Index r = std::max(Index{0}, 1 - P::width - d); r < last; ++r) {
        sum = sum + P::load(ds_ + r * pitch + r + d);
      }
      const Index n = std::min<Index>(P::width, end - d);
      simd::store(simd::load<P>(at + d, n) + sum, at + d, n);
    }
  }

  MatrixView<const Scalar> d_context_;
  const PointwiseGradients<Scalar>& to_;
  Index wide_, deep_;  ///< columns of rows like q and like v, in whole registers
  bool finite_q_ = true, finite_d_ = true;
  Scalar *p_, *ds_;                       ///< [strip, block]; [strip, pitch]
  Scalar *k_t_, *v_t_;                    ///< a block's panels, [width, key_panel] each
  Scalar *k_rows_, *dk_rows_, *dv_rows_;  ///< of a block
  Scalar *q_rows_, *dq_rows_, *d_out_;    ///< of all tokens; d_out_ divided
  Scalar* d_times_;                       ///< [tables, buckets]
};

}  // namespace detail

/// Scratch in elements for the forward and the backward pass; `width` of q and k, `depth` of v.
template <class Scalar, class Isa = simd::NativeIsa>
Index pointwise_attention_scratch(Index tokens, Index width, Index depth, Index buckets) {
  return std::max(detail::PointwiseForward<Scalar, Isa>::scratch(tokens, width, depth),
                  detail::PointwiseBackward<Scalar, Isa>::scratch(tokens, width, depth, buckets));
}

/// context [tokens, width of v] is overwritten.
template <class Scalar, class Isa = simd::NativeIsa>
void pointwise_attention_forward(const PointwiseUnit<Scalar>& u, MatrixView<Scalar> context, Scalar* scratch) noexcept {
  detail::PointwiseForward<Scalar, Isa>(u, context, scratch).run();
}

/// Adds to the gradients, given the context's.
template <class Scalar, class Isa = simd::NativeIsa>
void pointwise_attention_backward(const PointwiseUnit<Scalar>& u, MatrixView<const Scalar> d_context,
                                  const PointwiseGradients<Scalar>& gradients, Scalar* scratch) noexcept {
  detail::PointwiseBackward<Scalar, Isa>(u, d_context, gradients, scratch).run();
}

}  // namespace heed::inline HEED_ABI::kernels
