// SPDX-License-Identifier: Apache-2.0
// Attention's backward pass by tiles of queries and keys (Dao et al. 2022). The weights are recomputed from the
// logarithms of their sums. The mean gradient of a query's weights is the dot product of its context and the context's
// gradient, so each pair is visited once.
#pragma once

#include <limits>

#include "heed/kernels/detail/attention_arrays.hpp"
#include "heed/kernels/detail/weight_dropout.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// The inputs of the backward pass besides the unit.
template <class Scalar>
struct AttentionCotangents {
  MatrixView<const Scalar> context, d_context;  ///< [queries, width of v]
  const Scalar* weights = nullptr;              ///< [queries, keys] of the forward pass; read only with d_weights
  const Scalar* d_weights = nullptr;
  MatrixView<const Scalar> d_mass{};  ///< [queries, 1], of the unit's mass; may be empty
};

namespace detail {

template <class Scalar, class Isa>
class AttentionBackward {
  using P = simd::Pack<Scalar, Isa>;
  static constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  using Arrays = BackwardArrays<Scalar, Isa, 64>;

 public:
  static constexpr Index strip = Arrays::strip, block = Arrays::block;

  static Index scratch(Index queries, Index width, Index depth) {
    return Arrays(ScratchLayout<Scalar>(nullptr), queries, width, depth, true).size;
  }

  AttentionBackward(const AttentionUnit<Scalar>& unit, const AttentionCotangents<Scalar>& given, MatrixView<Scalar> dq,
                    MatrixView<Scalar> dk, MatrixView<Scalar> dv, Scalar* scratch)
      : u_(unit),
        given_(given),
        a_(ScratchLayout<Scalar>(scratch), unit.queries(), unit.q.cols(), unit.v.cols(), true) {
    a_.dq = dq;
    a_.dk = dk;
    a_.dv = dv;
  }

  void run() {
    const Index queries = u_.queries();
    if (queries == 0) return;
    a_.take_queries(u_.q);
    a_.finite_d = pack_rows<Scalar, Isa>(given_.d_context, Scalar(1), a_.d_out);
    means();
    const Index keys = u_.key_end(queries - 1);  // later queries see no fewer keys
    for (Index j = 0; j < keys; j += block) key_block(j, std::min(block, keys - j));
    a_.add_queries();
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  /// mean_i = sum_j w_ij dw_ij = context_i . d_context_i + sum_j w_ij d_weights_ij + mass_i d_mass_i, the first by the
  /// same multiply-add chains as d_context_i . v_j, so that a query with only one key has a gradient of exactly 0.
  void means() {
    static_assert(block >= 2 * key_panel, "v_t holds a panel of contexts and a panel of their gradients");
    const Index depth = u_.v.cols();
    Scalar *y = a_.v_t, *dy = a_.v_t + key_panel * depth;
    for (Index i = 0; i < u_.queries(); i += key_panel) {
      const Index end = std::min(i + key_panel, u_.queries());
      pack_panel<Scalar, Isa>(given_.context.rows(i, end), Scalar(1), y);
      pack_panel<Scalar, Isa>(given_.d_context.rows(i, end), Scalar(1), dy);
      for (Index r = 0; r < end - i; r += P::width) {
        P sum(Scalar(0));
        for (Index c = 0; c < depth; ++c)
          sum = fma(P::load(dy + c * key_panel + r), P::load(y + c * key_panel + r), sum);
        sum.store(a_.mean + i + r);
      }
      for (Index q = i; given_.d_weights != nullptr && q < end; ++q) {
        const Index at = q * u_.keys();
        P sum(Scalar(0));
        simd::for_each_pack<P>(u_.key_end(q), [&](Index j, Index n) {
          const P w = simd::load<P>(given_.weights + at + j, n), zero(Scalar(0));
          // A hidden pair's gradient may have any value: it is not multiplied by the weight of 0.
          sum = fma(w, select(w == zero, zero, simd::load<P>(given_.d_weights + at + j, n)), sum);
        });
        a_.mean[q] += reduce_sum(sum);
      }
      for (Index q = i; given_.d_mass && q < end; ++q) {
        if (const Scalar mass = u_.mass(q, 0); mass != Scalar(0)) a_.mean[q] += mass * given_.d_mass(q, 0);
      }
    }
  }

  void key_block(Index j, Index keys) {
    a_.take_keys(u_.k.rows(j, j + keys), u_.v.rows(j, j + keys), u_.scale);
    for (Index i = 0; i < u_.queries(); i += strip) {
      const Seen seen(u_, i, std::min(strip, u_.queries() - i), j, keys, a_.added);
      if (seen.runs == 0) continue;
      a_.scores(seen, i);
      for (Index r = 0; r < seen.rows; ++r) cotangents(seen, r, i + r, j);
      a_.gradients(seen, i);
    }
    a_.add_keys(j, keys, u_.scale);
  }

  /// Processes row r, query i, in the steps of AttentionForward::softmax: p becomes the weights after dropout, ds the
  /// gradient with respect to the scores before scale, from that with respect to the weights.
  void cotangents(const Seen& seen, Index r, Index i, Index j) {
    Scalar *p_row = a_.p + r * block, *d_row = a_.ds + r * block;
    const Scalar* added = seen.added != nullptr ? seen.added + r * block : nullptr;
    const Scalar* d_weights = given_.d_weights != nullptr ? given_.d_weights + i * u_.keys() + j : nullptr;
    const WeightDropout<P, Isa> dropout(u_, i);
    const bool masses(given_.d_mass), plain = added == nullptr && d_weights == nullptr && !masses && !dropout;
    if (u_.next_rows != nullptr) u_.next_rows->step(8);
    const P log_sum(u_.log_sums[i]), mean(a_.mean[i]), zero(Scalar(0));
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
        const P more = added != nullptr ? P::load(added + c) : zero, factor = dropout(P(Scalar(1)), j + c);
        P dp = P::load(d_row + c);
        if (d_weights != nullptr) dp = dp + simd::load<P>(d_weights + c, count);
        if (masses) dp = dp + where_same(P(given_.d_mass(i, 0)), u_.key_items + j + c, count, u_.query_items[i]);
        // Steps 1, 2 and 4 at once, with log_sum = m + log l; then the backward pass of step 3 and the division by l.
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
  Arrays a_;
};

}  // namespace detail

}  // namespace heed::inline HEED_ABI::kernels
