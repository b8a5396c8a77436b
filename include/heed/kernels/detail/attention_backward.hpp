// SPDX-License-Identifier: Apache-2.0
// Attention's backward pass by tiles of queries and keys (Dao et al. 2022): the weights are computed anew from the
// logarithms of their sums; the mean of a query's weight cotangents is the product of its context and the context's
// cotangent, so no query waits for all of its keys.
#pragma once

#include <limits>

#include "heed/kernels/detail/tile_products.hpp"
#include "heed/kernels/dropout.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// What comes into the backward pass beside the unit.
template <class Scalar>
struct AttentionCotangents {
  MatrixView<const Scalar> context, d_context;  ///< [queries, width of v]
  const Scalar* weights = nullptr;              ///< [queries, keys] of the forward pass; only read with d_weights
  const Scalar* d_weights = nullptr;
  MatrixView<const Scalar> d_mass{};  ///< [queries, 1], of the unit's mass, or empty
};

namespace detail {

template <class Scalar, class Isa>
class AttentionBackward {
  using P = simd::Pack<Scalar, Isa>;
  static constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

 public:
  static constexpr Index strip = backward_strip<Isa>;  ///< queries of a tile
  static constexpr Index block = 64;                   ///< keys of a tile

  static Index scratch(Index queries, Index width, Index depth) {
    const Index wide = whole_registers<Scalar, Isa>(width), deep = whole_registers<Scalar, Isa>(depth);
    return 3 * strip * block + block * (width + depth + 2 * wide + deep) +
           round_up(queries, strip) * (2 * wide + deep + 1);
  }

  AttentionBackward(const AttentionUnit<Scalar>& unit, const AttentionCotangents<Scalar>& given, MatrixView<Scalar> dq,
                    MatrixView<Scalar> dk, MatrixView<Scalar> dv, Scalar* scratch)
      : u_(unit),
        given_(given),
        dq_(dq),
        dk_(dk),
        dv_(dv),
        wide_(whole_registers<Scalar, Isa>(unit.q.cols())),
        deep_(whole_registers<Scalar, Isa>(unit.v.cols())) {
    const Index queries = round_up(u_.queries(), strip);
    const auto take = [&](Index size) {
      Scalar* at = scratch;
      scratch += size;
      return at;
    };
    p_ = take(strip * block);
    ds_ = take(strip * block);
    added_ = take(strip * block);
    k_t_ = take(block * u_.q.cols());
    v_t_ = take(block * u_.v.cols());
    k_rows_ = take(block * wide_);
    dk_rows_ = take(block * wide_);
    dv_rows_ = take(block * deep_);
    q_rows_ = take(queries * wide_);
    dq_rows_ = take(queries * wide_);
    d_out_ = take(queries * deep_);
    mean_ = take(queries);
  }

  void run() {
    const Index queries = u_.queries();
    if (queries == 0) return;
    finite_q_ = pack_rows<Scalar, Isa>(u_.q, Scalar(1), q_rows_);
    finite_d_ = pack_rows<Scalar, Isa>(given_.d_context, Scalar(1), d_out_);
    std::fill_n(dq_rows_, queries * wide_, Scalar(0));
    means();
    const Index keys = u_.key_end(queries - 1);  // later queries see no fewer
    for (Index j = 0; j < keys; j += block) key_block(j, std::min(block, keys - j));
    if (dq_) add_rows<Scalar, Isa>({dq_rows_, {queries, dq_.cols()}, wide_}, dq_);
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  /// mean_i = sum_j w_ij dw_ij = context_i . d_context_i + sum_j w_ij d_weights_ij + mass_i d_mass_i: the first by the
  /// chains that make d_context_i . v_j, so that a query with one key alone gets a gradient of exactly 0.
  void means() {
    static_assert(block >= 2 * key_panel, "contexts and their cotangents go where a block's values go");
    const Index depth = u_.v.cols();
    Scalar *y = v_t_, *dy = v_t_ + key_panel * depth;
    for (Index i = 0; i < u_.queries(); i += key_panel) {
      const Index end = std::min(i + key_panel, u_.queries());
      pack_panel<Scalar, Isa>(given_.context.rows(i, end), Scalar(1), y);
      pack_panel<Scalar, Isa>(given_.d_context.rows(i, end), Scalar(1), dy);
      for (Index r = 0; r < end - i; r += P::width) {
        P sum(Scalar(0));
        for (Index c = 0; c < depth; ++c)
          sum = fma(P::load(dy + c * key_panel + r), P::load(y + c * key_panel + r), sum);
        sum.store(mean_ + i + r);
      }
      for (Index q = i; given_.d_weights != nullptr && q < end; ++q) {
        const Index at = q * u_.keys();
        P sum(Scalar(0));
        simd::for_each_pack<P>(u_.key_end(q), [&](Index j, Index n) {
          const P w = simd::load<P>(given_.weights + at + j, n), zero(Scalar(0));
          // A hidden pair's cotangent may be anything: it is not multiplied by its weight of 0.
          sum = fma(w, select(w == zero, zero, simd::load<P>(given_.d_weights + at + j, n)), sum);
        });
        mean_[q] += reduce_sum(sum);
      }
      for (Index q = i; given_.d_mass && q < end; ++q) {
        if (const Scalar mass = u_.mass(q, 0); mass != Scalar(0)) mean_[q] += mass * given_.d_mass(q, 0);
      }
    }
  }

  void key_block(Index j, Index keys) {
    const MatrixView<const Scalar> k = u_.k.rows(j, j + keys), v = u_.v.rows(j, j + keys);
    for (Index p = 0; p < keys; p += key_panel) {
      const Index end = std::min(p + key_panel, keys);
      pack_panel<Scalar, Isa>(k.rows(p, end), u_.scale, k_t_ + p * k.cols());
      pack_panel<Scalar, Isa>(v.rows(p, end), Scalar(1), v_t_ + p * v.cols());
    }
    finite_k_ = pack_rows<Scalar, Isa>(k, u_.scale, k_rows_);
    std::fill_n(dk_rows_, keys * wide_, Scalar(0));
    std::fill_n(dv_rows_, keys * deep_, Scalar(0));
    for (Index i = 0; i < u_.queries(); i += strip) {
      const Seen seen(u_, i, std::min(strip, u_.queries() - i), j, keys, added_);
      if (seen.runs == 0) continue;
      tile_scores<Scalar, Isa>(seen, u_.q.cols(), q_rows_ + i * wide_, wide_, k_t_, p_, block);
      tile_scores<Scalar, Isa>(seen, u_.v.cols(), d_out_ + i * deep_, deep_, v_t_, ds_, block);
      for (Index r = 0; r < seen.rows; ++r) cotangents(seen, r, i + r, j);
      const bool mixed = seen.mixed();
      if (dq_) {
        sum_over_keys<Scalar, Isa>(seen, mixed && !finite_k_, ds_, block, k_rows_, wide_, dq_rows_ + i * wide_);
      }
      if (dk_) {
        sum_over_queries<Scalar, Isa>(seen, mixed && !finite_q_, ds_, block, q_rows_ + i * wide_, wide_, dk_rows_);
      }
      if (dv_) {
        sum_over_queries<Scalar, Isa>(seen, mixed && !finite_d_, p_, block, d_out_ + i * deep_, deep_, dv_rows_);
      }
    }
    if (dk_) add_rows<Scalar, Isa>({dk_rows_, {keys, dk_.cols()}, wide_}, dk_.rows(j, j + keys), u_.scale);
    if (dv_) add_rows<Scalar, Isa>({dv_rows_, {keys, dv_.cols()}, deep_}, dv_.rows(j, j + keys));
  }

  /// Row r, query i: from scores to weights after dropout, from weight cotangents to score cotangents (before scale).
  void cotangents(const Seen& seen, Index r, Index i, Index j) {
    Scalar *p_row = p_ + r * block, *d_row = ds_ + r * block;
    const Scalar* added = seen.added != nullptr ? seen.added + r * block : nullptr;
    const Scalar* d_weights = given_.d_weights != nullptr ? given_.d_weights + i * u_.keys() + j : nullptr;
    const bool drops = u_.keep < Scalar(1), masses(given_.d_mass);
    const bool plain = added == nullptr && d_weights == nullptr && !masses && !drops;
    const std::uint16_t* const bits = drops ? u_.kept + i * kept_words(u_.keys()) : nullptr;
    const P kept_factor(Scalar(1) / u_.keep);
    if (u_.next_rows != nullptr) u_.next_rows->step(8);
    const P log_sum(u_.log_sums[i]), mean(mean_[i]), zero(Scalar(0));
    for (Index n = 0; n < seen.runs; ++n) {
      const auto [begin, run_end] = seen.run[n];
      const Index end = std::min(run_end, seen.end[r]);
      Index c = begin;
      for (; plain && c + P::width <= end; c += P::width) {
        const P p = exp_nonpositive(P::load(p_row + c) - log_sum);
        p.store(p_row + c);
        (p * (P::load(d_row + c) - mean)).store(d_row + c);
      }
      for (; c < end; c += P::width) {
        const Index count = std::min<Index>(P::width, end - c);
        const P more = added != nullptr ? P::load(added + c) : zero,
                factor =
                    drops ? select(DropoutMask<Isa>::template kept<P>(bits, j + c), kept_factor, zero) : P(Scalar(1));
        P dp = P::load(d_row + c);
        if (d_weights != nullptr) dp = dp + simd::load<P>(d_weights + c, count);
        if (masses) dp = dp + where_same(P(given_.d_mass(i, 0)), u_.key_items + j + c, count, u_.query_items[i]);
        const P p = exp_nonpositive(P::load(p_row + c) + more - log_sum), ds = p * fma(dp, factor, -mean);
        const auto hidden = more == P(-infinity);
        keep_first(select(hidden, zero, p * factor), count, zero).store(p_row + c);
        keep_first(select(hidden, zero, ds), count, zero).store(d_row + c);
      }
      for (; c < run_end; c += P::width) {
        zero.store(p_row + c);
        zero.store(d_row + c);
      }
    }
  }

  const AttentionUnit<Scalar>& u_;
  const AttentionCotangents<Scalar>& given_;
  MatrixView<Scalar> dq_, dk_, dv_;
  Index wide_, deep_;  ///< columns of rows like q and like v, in whole registers
  bool finite_q_ = true, finite_k_ = true, finite_d_ = true;
  Scalar *p_, *ds_, *added_;                    ///< [strip, block]
  Scalar *k_t_, *v_t_;                          ///< a block's panels, [width, key_panel] each; k scaled
  Scalar *k_rows_, *dk_rows_, *dv_rows_;        ///< of a block; k scaled
  Scalar *q_rows_, *dq_rows_, *d_out_, *mean_;  ///< of all queries
};

}  // namespace detail

}  // namespace heed::inline HEED_ABI::kernels
