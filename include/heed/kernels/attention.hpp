// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention of one sequence and one head, forward and backward (Vaswani et al. 2017):
//
//   s_ij = scale q_i . k_j + additive_ij     p_i = softmax over the visible j     context_i = sum_j p_ij v_j
//
// Works on strips of a few queries against all their keys: no [queries, keys] array is ever stored. A pair that the
// mask hides is skipped, never multiplied by zero: what stands there, NaN included, has no influence.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "heed/core/mask.hpp"
#include "heed/core/random.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/softmax_row.hpp"

namespace heed::inline HEED_ABI::kernels {

/// One sequence's share of one head; all views are `[rows, head width]`, possibly columns of wider arrays.
template <class Scalar>
struct AttentionUnit {
  TensorView<const Scalar> q, k, v;
  MaskView<Scalar> mask;
  Index segment = 0;
  Scalar scale = 1;
  Scalar keep = 1;             ///< 1 - dropout probability
  Random random{};             ///< of this sequence and head; counter i * keys + j
  Scalar* log_sums = nullptr;  ///< [queries]: log sum_j exp(s_ij)

  Index queries() const { return q.rows(); }
  Index keys() const { return k.rows(); }
  Index key_end(Index i) const { return mask.key_end(segment, i, queries(), keys()); }
  bool visible(Index i, Index j) const {
    const Index at = mask.at(segment, i, j);
    if (mask.visible != nullptr && mask.visible[at] == 0) return false;
    return mask.additive == nullptr || mask.additive[at] != -std::numeric_limits<Scalar>::infinity();
  }
  bool kept(Index i, Index j) const {
    return random.uniform(static_cast<std::uint64_t>(i * keys() + j)) < static_cast<double>(keep);
  }
};

/// Queries of a strip.
inline constexpr Index attention_strip = 16;

/// Scratch in elements for `attention_forward` and `attention_backward`.
inline Index attention_scratch(Index keys, Index width) { return 2 * keys * width + 2 * attention_strip * keys; }

namespace detail {

/// Up to `attention_strip` queries of a unit, `begin` on, and what they may see.
template <class Scalar>
struct Strip {
  const AttentionUnit<Scalar>& unit;
  Index begin, rows;
  Index end[attention_strip];
  Index common, widest;  ///< keys that all rows may see by causality and lengths; keys that any may see

  Strip(const AttentionUnit<Scalar>& u, Index first) : unit(u), begin(first) {
    rows = std::min(attention_strip, u.queries() - first);
    common = u.keys();
    widest = 0;
    for (Index r = 0; r < rows; ++r) {
      end[r] = u.key_end(first + r);
      common = std::min(common, end[r]);
      widest = std::max(widest, end[r]);
    }
    if (u.mask.per_pair()) common = 0;
  }

  /// Calls row_part(r, begin, end) for ranges of visible keys that `common` leaves over.
  template <class Part>
  void rest(Part&& row_part) const {
    for (Index r = 0; r < rows; ++r) {
      if (!unit.mask.per_pair()) {
        if (end[r] > common) row_part(r, common, end[r]);
        continue;
      }
      for (Index j = 0; j < end[r]; ++j) {
        const Index from = j;
        while (j < end[r] && unit.visible(begin + r, j)) ++j;
        if (j > from) row_part(r, from, j);
      }
    }
  }
};

/// out += sum_j w[j] x_j for from <= j < to.
template <class Scalar, class Isa>
inline void sum_run(Index from, Index to, const Scalar* w, TensorView<const Scalar> x, Scalar* out) {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(x.cols(), [&](Index c, Index n) {
    P sum = simd::load<P>(out + c, n);
    for (Index j = from; j < to; ++j) sum = fma(P(w[j]), simd::load<P>(x.row(j) + c, n), sum);
    simd::store(sum, out + c, n);
  });
}

/// out_j += w[j] x for from <= j < to.
template <class Scalar, class Isa>
inline void spread_run(Index from, Index to, const Scalar* w, const Scalar* x, TensorView<Scalar> out) {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(out.cols(), [&](Index c, Index n) {
    const P value = simd::load<P>(x + c, n);
    for (Index j = from; j < to; ++j) {
      simd::store(fma(P(w[j]), value, simd::load<P>(out.row(j) + c, n)), out.row(j) + c, n);
    }
  });
}

/// out(r) += sum_j w(r, j) x_j over the visible keys: ascending j, one chain.
template <class Scalar, class Isa>
inline void sum_keys(const Strip<Scalar>& s, TensorView<const Scalar> w, TensorView<const Scalar> x,
                     TensorView<Scalar> out) {
  if (s.common > 0) {
    gemm<Scalar, Isa>(w.columns(0, s.common), x.rows(0, s.common), out, {.accumulate = true});
  }
  s.rest([&](Index r, Index from, Index to) { sum_run<Scalar, Isa>(from, to, w.row(r), x, out.row(r)); });
}

/// out_j += sum_r w(r, j) x(r) over the visible keys: ascending r, one chain.
template <class Scalar, class Isa>
inline void sum_queries(const Strip<Scalar>& s, TensorView<const Scalar> w, TensorView<const Scalar> x,
                        TensorView<Scalar> out) {
  if (s.common > 0) {
    gemm_tn<Scalar, Isa>(w.columns(0, s.common), x, out.rows(0, s.common), {.accumulate = true});
  }
  if (s.unit.mask.per_pair()) {
    s.rest([&](Index r, Index from, Index to) { spread_run<Scalar, Isa>(from, to, w.row(r), x.row(r), out); });
    return;
  }
  // Later queries see no fewer keys, so the rows that see key j are the last ones of the strip.
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(out.cols(), [&](Index c, Index n) {
    Index first = 0;
    for (Index j = s.common; j < s.widest; ++j) {
      while (s.end[first] <= j) ++first;
      P sum = simd::load<P>(out.row(j) + c, n);
      for (Index r = first; r < s.rows; ++r) sum = fma(P(w(r, j)), simd::load<P>(x.row(r) + c, n), sum);
      simd::store(sum, out.row(j) + c, n);
    }
  });
}

/// The strip's scores, hidden pairs at -infinity. `k_t` is k transposed, [width, keys].
template <class Scalar, class Isa>
inline void scores(const Strip<Scalar>& s, TensorView<const Scalar> k_t, TensorView<Scalar> out) {
  const AttentionUnit<Scalar>& u = s.unit;
  constexpr Scalar hidden = -std::numeric_limits<Scalar>::infinity();
  gemm<Scalar, Isa>(u.q.rows(s.begin, s.begin + s.rows), k_t.columns(0, s.widest),
                    out.rows(0, s.rows).columns(0, s.widest));
  for (Index r = 0; r < s.rows; ++r) {
    Scalar* row = out.row(r);
    using P = simd::Pack<Scalar, Isa>;
    simd::for_each_pack<P>(s.end[r],
                           [&](Index j, Index n) { simd::store(simd::load<P>(row + j, n) * P(u.scale), row + j, n); });
    if (u.mask.per_pair()) {
      for (Index j = 0; j < s.end[r]; ++j) {
        if (!u.visible(s.begin + r, j)) {
          row[j] = hidden;
        } else if (u.mask.additive != nullptr) {
          row[j] += u.mask.additive[u.mask.at(u.segment, s.begin + r, j)];
        }
      }
    }
  }
}

template <class Scalar, class Isa>
inline void add_row(Index size, const Scalar* x, Scalar* y) {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(
      size, [&](Index j, Index n) { simd::store(simd::load<P>(x + j, n) + simd::load<P>(y + j, n), y + j, n); });
}

/// Dropout of a row of weights, or of their cotangents.
template <class Scalar>
inline void drop(const AttentionUnit<Scalar>& u, Index i, Index end, Scalar* row) {
  for (Index j = 0; j < end; ++j) row[j] = u.kept(i, j) ? row[j] / u.keep : Scalar(0);
}

/// From dp to ds, in place: ds_j = scale p_j (dp_j - sum_k p_k dp_k), 0 where p_j is 0.
template <class Scalar, class Isa>
inline void score_cotangents(Index size, const Scalar* p, Scalar* d, Scalar scale) {
  using P = simd::Pack<Scalar, Isa>;
  const P zero(Scalar(0));
  P total = zero;
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P weight = simd::load<P>(p + j, n);
    // A hidden pair's dp may be anything: it is not multiplied by its weight of 0.
    total = fma(weight, select(weight == zero, zero, simd::load<P>(d + j, n)), total);
  });
  const P mean(reduce_sum(total));
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P weight = simd::load<P>(p + j, n);
    const P ds = weight * (simd::load<P>(d + j, n) - mean) * P(scale);
    simd::store(select(weight == zero, zero, ds), d + j, n);
  });
}

}  // namespace detail

/// context [queries, width of v] is overwritten; `weights`, if not null, gets [queries, keys] (after dropout).
template <class Scalar, class Isa = simd::NativeIsa>
void attention_forward(const AttentionUnit<Scalar>& u, TensorView<Scalar> context, Scalar* weights,
                       Scalar* scratch) noexcept {
  const Index keys = u.keys(), width = u.q.cols();
  const TensorView<Scalar> k_t(scratch, {width, keys}), p(scratch + keys * width, {attention_strip, keys});
  transpose<Scalar>(u.k, k_t);
  for (Index begin = 0; begin < u.queries(); begin += attention_strip) {
    const detail::Strip<Scalar> s(u, begin);
    const TensorView<Scalar> out = context.rows(begin, begin + s.rows);
    for (Index r = 0; r < s.rows; ++r) std::fill_n(out.row(r), out.cols(), Scalar(0));
    detail::scores<Scalar, Isa>(s, k_t, p);
    for (Index r = 0; r < s.rows; ++r) {
      u.log_sums[begin + r] = softmax_row<Scalar, Isa>(s.end[r], p.row(r), p.row(r));
      if (u.keep < Scalar(1)) detail::drop(u, begin + r, s.end[r], p.row(r));
      if (weights != nullptr) {
        Scalar* row = weights + (begin + r) * keys;
        std::copy_n(p.row(r), s.end[r], row);
        std::fill(row + s.end[r], row + keys, Scalar(0));
      }
    }
    detail::sum_keys<Scalar, Isa>(s, p.rows(0, s.rows), u.v, out);
  }
}

/// Adds to dq, dk, dv (each may be empty). `d_weights`, if not null, is the cotangent of the weights.
template <class Scalar, class Isa = simd::NativeIsa>
void attention_backward(const AttentionUnit<Scalar>& u, TensorView<const Scalar> d_context, const Scalar* d_weights,
                        TensorView<Scalar> dq, TensorView<Scalar> dk, TensorView<Scalar> dv, Scalar* scratch) noexcept {
  const Index keys = u.keys(), width = u.q.cols();
  const TensorView<Scalar> k_t(scratch, {width, keys}), v_t(k_t.data() + keys * width, {u.v.cols(), keys});
  const TensorView<Scalar> p(v_t.data() + keys * u.v.cols(), {attention_strip, keys});
  const TensorView<Scalar> ds(p.data() + attention_strip * keys, {attention_strip, keys});
  transpose<Scalar>(u.k, k_t);
  transpose<Scalar>(u.v, v_t);
  for (Index begin = 0; begin < u.queries(); begin += attention_strip) {
    const detail::Strip<Scalar> s(u, begin);
    const TensorView<const Scalar> d_out = d_context.rows(begin, begin + s.rows);
    detail::scores<Scalar, Isa>(s, k_t, p);
    gemm<Scalar, Isa>(d_out, v_t.columns(0, s.widest), ds.rows(0, s.rows).columns(0, s.widest));
    for (Index r = 0; r < s.rows; ++r) {
      if (s.end[r] == 0) continue;
      exp_row<Scalar, Isa>(s.end[r], p.row(r), u.log_sums[begin + r]);
      if (d_weights != nullptr) detail::add_row<Scalar, Isa>(s.end[r], d_weights + (begin + r) * keys, ds.row(r));
      if (u.keep < Scalar(1)) detail::drop(u, begin + r, s.end[r], ds.row(r));
      detail::score_cotangents<Scalar, Isa>(s.end[r], p.row(r), ds.row(r), u.scale);
      if (u.keep < Scalar(1)) detail::drop(u, begin + r, s.end[r], p.row(r));
    }
    const TensorView<const Scalar> p_rows = p.rows(0, s.rows), ds_rows = ds.rows(0, s.rows);
    if (dq) detail::sum_keys<Scalar, Isa>(s, ds_rows, u.k, dq.rows(begin, begin + s.rows));
    if (dk) detail::sum_queries<Scalar, Isa>(s, ds_rows, u.q.rows(begin, begin + s.rows), dk);
    if (dv) detail::sum_queries<Scalar, Isa>(s, p_rows, d_out, dv);
  }
}

}  // namespace heed::inline HEED_ABI::kernels
