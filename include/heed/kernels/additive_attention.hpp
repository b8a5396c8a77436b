// SPDX-License-Identifier: Apache-2.0
// Additive attention of one sequence, forward and backward (Bahdanau et al. 2015):
//
//   s_ij = w . tanh(q_i + k_j)     p_i = softmax over the visible j     context_i = sum_j p_ij v_j
//
// where q and k are already projected. tanh(q + k) follows from e^2q and e^2k, which are computed once per row: with
//
//   r = 1 / (1 + e^2q e^2k)     tanh(q + k) = 1 - 2 r     1 - tanh^2(q + k) = 4 r (1 - r)
//
// a pair costs a multiply-add and a division per feature. Terms independent of j cancel in the softmax: s = -2 w . r.
// Processes strips of a few queries: no [queries, keys] or [queries, keys, width] array is stored.
#pragma once

#include <algorithm>

#include "heed/core/scratch_layout.hpp"
#include "heed/kernels/attention.hpp"
#include "heed/kernels/detail/additive_tiles.hpp"
#include "heed/kernels/scale.hpp"

namespace heed::inline HEED_ABI::kernels {

namespace detail {

/// Queries per strip.
inline constexpr Index additive_strip = 16;
/// Row stride: a multiple of two registers of every instruction set.
inline Index additive_stride(Index size) { return round_up(size, 32); }

/// Scratch arrays for one sequence.
template <class Scalar>
struct AdditiveArrays {
  MatrixView<Scalar> w;             ///< [1, A]: -2 w
  MatrixView<Scalar> q, k;          ///< [strip, A] e^2q, [keys, A] e^2k; padded with 1 past the width, w with 0
  MatrixView<Scalar> far_q, far_k;  ///< [1, rows]: the largest magnitude in each row
  MatrixView<Scalar> pair;          ///< [2, A]: q and k of a pair beyond `reach`
  MatrixView<Scalar> p, d;          ///< [strip, keys]: scores, then weights; their gradients
  MatrixView<Scalar> dq, dk, dw;    ///< shaped as q, k and w: sum ds r (1 - r) and sum ds r
  Index size = 0;                   ///< elements of all arrays

  AdditiveArrays(Scalar* scratch, Index keys, Index width) {
    ScratchLayout<Scalar> layout(scratch);
    const auto take = [&](Index rows, Index cols) { return layout.matrix(rows, cols, additive_stride(cols)); };
    w = take(1, width);
    q = take(additive_strip, width);
    k = take(keys, width);
    far_q = take(1, additive_strip);
    far_k = take(1, keys);
    pair = take(2, width);
    p = take(additive_strip, keys);
    d = take(additive_strip, keys);
    dq = take(additive_strip, width);
    dk = take(keys, width);
    dw = take(1, width);
    size = layout.size();
  }
};

/// A sequence, its scratch arrays and the strip of queries that is being processed.
template <class Scalar, class Isa>
struct Additive {
  using P = simd::Pack<Scalar, Isa>;
  /// The largest |q| + |k| for which (1 + e^2q e^2k)^2 is finite.
  static constexpr Scalar reach = sizeof(Scalar) == 4 ? Scalar(21) : Scalar(170);

  const AttentionUnit<Scalar>& u;
  AdditiveArrays<Scalar> arrays;
  Index width, filled = 0;         ///< filled: number of keys whose exponentials are computed
  Index begin = 0, rows = 0;       ///< first query of the strip; number of queries
  Index end[additive_strip] = {};  ///< number of keys that each may see by causality and lengths, ascending
  Index common = 0, widest = 0;    ///< number of keys that all of them see; that any may see

  Additive(const AttentionUnit<Scalar>& unit, const Scalar* w, Scalar* scratch)
      : u(unit), arrays(scratch, unit.keys(), unit.q.cols()), width(unit.q.cols()) {
    padded(width, w, [&](Index c, Index, P value) { (P(Scalar(-2)) * value).store(arrays.w.data() + c); });
  }

  /// Calls part(c, n, x[c ..]) for the registers of a row, in pairs; the last may have n = 0. Lanes past n are 0.
  template <class Part>
  [[gnu::always_inline]] static void padded(Index size, const Scalar* x, const Part& part) {
    for (Index c = 0; c < size; c += 2 * P::width) {
      for (Index at = c; at < c + 2 * P::width; at += P::width) {
        const Index n = std::clamp<Index>(size - at, 0, P::width);
        part(at, n, simd::load<P>(x + at, n));
      }
    }
  }

  /// Writes e^2x of rows of x, in whole registers, and the largest magnitude of each row.
  static void exponentials(MatrixView<const Scalar> x, MatrixView<Scalar> out, Scalar* far) {
    for (Index first = 0; first < x.rows(); first += P::width) {
      const Index count = std::min(P::width, x.rows() - first);
      P most[P::width];
      for (Index r = 0; r < P::width; ++r) {
        most[r] = P(Scalar(0));
        if (r >= count) continue;
        padded(x.cols(), x.row(first + r), [&](Index c, Index n, P value) {
          (n == 0 ? P(Scalar(1)) : exp(value + value)).store(out.row(first + r) + c);
          most[r] = max(abs(value), most[r]);
        });
      }
      simd::store(reduce_each(most, [](P a, P b) { return max(a, b); }), far + first, count);
    }
  }

  /// Starts the strip that begins at query `first`.
  void take_strip(Index first) {
    begin = first;
    rows = std::min(additive_strip, u.queries() - first);
    for (Index r = 0; r < rows; ++r) end[r] = u.key_end(first + r);
    widest = end[rows - 1];
    common = u.mask.per_pair() ? 0 : end[0];
    exponentials(u.q.rows(first, first + rows), arrays.q, arrays.far_q.data());
  }

  /// Calls part(j, count, far) for blocks of one register of keys; `far` is the largest magnitude in the block.
  template <class Part>
  void key_blocks(const Part& part) {
    for (Index j = 0; j < widest; j += P::width) {
      const Index count = std::min(P::width, widest - j);
      if (j + count > filled) {
        const Index last = std::min(j + P::width, u.keys());
        exponentials(u.k.rows(j, last), arrays.k.rows(j, last), arrays.far_k.data() + j);
        filled = last;
      }
      part(j, count, *std::max_element(arrays.far_k.data() + j, arrays.far_k.data() + j + count));
    }
  }
  bool far(Index r, Scalar far_key) const { return !(arrays.far_q[r] + far_key <= reach); }

  /// Copies q and k of a pair beyond `reach` to where whole registers can be read.
  void take_pair(Index r, Index j) {
    padded(width, u.q.row(begin + r), [&](Index c, Index, P x) { x.store(arrays.pair.row(0) + c); });
    padded(width, u.k.row(j), [&](Index c, Index, P x) { x.store(arrays.pair.row(1) + c); });
  }
  [[gnu::noinline]] void far_score(Index r, Index j, P* sum) {
    take_pair(r, j);
    additive_score_tile<true, 1>(width, arrays.w.data(), arrays.pair.row(0), arrays.pair.row(1), 0, sum);
  }
  [[gnu::noinline]] void far_gradient(Index r, Index j) {
    take_pair(r, j);
    additive_gradient_tile<true, 1, P>(width, 1, arrays.pair.row(0), arrays.pair.row(1), 0, arrays.d.row(r) + j, 0,
                                       arrays.dq.row(r), arrays.dk.row(j), arrays.dw.data());
  }

  /// Writes the strip's scores, up to a constant per query, to p; hidden pairs are -infinity.
  void scores() {
    const Index stride = arrays.k.row_stride();
    key_blocks([&](Index j, Index count, Scalar far_key) {
      for (Index r = 0; r < rows; ++r) {
        const Index seen = std::min(count, end[r] - j);
        if (seen <= 0) continue;
        const bool mixed = far(r, far_key);
        by_tiles<P>(seen, arrays.p.row(r) + j, [&]<int Keys>(Index at, P* sum) {
          if (!mixed) {
            additive_score_tile<false, Keys>(width, arrays.w.data(), arrays.q.row(r), arrays.k.row(j + at), stride,
                                             sum);
            return;
          }
          for (Index i = 0; i < Keys; ++i) {
            if (far(r, arrays.far_k[j + at + i])) {
              far_score(r, j + at + i, sum + i);
            } else {
              additive_score_tile<false, 1>(width, arrays.w.data(), arrays.q.row(r), arrays.k.row(j + at + i), 0,
                                            sum + i);
            }
          }
        });
      }
    });
    if (!u.mask.per_pair()) return;
    for (Index r = 0; r < rows; ++r) {
      for (Index j = 0; j < end[r]; ++j) {
        if (!u.visible(begin + r, j)) {
          arrays.p(r, j) = -std::numeric_limits<Scalar>::infinity();
        } else if (u.mask.additive != nullptr) {
          arrays.p(r, j) += u.mask.additive[u.mask.at(u.segment, begin + r, j)];
        }
      }
    }
  }

  /// Writes ds to d: dp_ij = d_context_i . v_j + d_weights_ij, ds_ij = p_ij (dp_ij - sum_k p_ik dp_ik).
  void cotangents(MatrixView<const Scalar> d_context, const Scalar* d_weights) {
    const P zero(Scalar(0));
    for (Index j = 0; j < widest; j += P::width) {
      for (Index r = 0; r < rows; ++r) {
        const Index seen = std::min(P::width, end[r] - j);
        if (seen > 0) row_dots<P>(u.v.rows(j, j + seen), d_context.row(r), arrays.d.row(r) + j);
      }
    }
    for (Index r = 0; r < rows; ++r) {
      const Scalar* p = arrays.p.row(r);
      Scalar* d = arrays.d.row(r);
      P total = zero;
      simd::for_each_pack<P>(end[r], [&](Index j, Index n) {
        P dp = simd::load<P>(d + j, n);
        if (d_weights != nullptr) dp = dp + simd::load<P>(d_weights + (begin + r) * u.keys() + j, n);
        const P weight = simd::load<P>(p + j, n);
        dp = select(weight == zero, zero, dp);  // a hidden pair may have any value
        simd::store(dp, d + j, n);
        total = fma(weight, dp, total);
      });
      const P mean(reduce_sum(total));
      simd::for_each_pack<P>(end[r], [&](Index j, Index n) {
        const P weight = simd::load<P>(p + j, n);
        simd::store(select(weight == zero, zero, weight * (simd::load<P>(d + j, n) - mean)), d + j, n);
      });
    }
  }

  /// Adds the strip's contributions to the scratch arrays dq, dk and dw.
  void gradients() {
    const Index stride = arrays.k.row_stride(), d_stride = arrays.d.row_stride();
    key_blocks([&](Index j, Index count, Scalar far_key) {
      const auto run = [&]<int Rows>(Index r, Index from, Index keys) {
        additive_gradient_tile<false, Rows, P>(width, keys, arrays.q.row(r), arrays.k.row(from), stride,
                                               arrays.d.row(r) + from, d_stride, arrays.dq.row(r), arrays.dk.row(from),
                                               arrays.dw.data());
      };
      for (Index first = 0; first < rows; first += additive_rows<Isa>) {
        const Index last = std::min(first + additive_rows<Isa>, rows);
        const Scalar far_query = *std::max_element(arrays.far_q.data() + first, arrays.far_q.data() + last);
        const bool whole = !u.mask.per_pair() && far_query + far_key <= reach;
        Index together = 0;
        if (whole && last - first == additive_rows<Isa>) {
          together = std::clamp<Index>(end[first] - j, 0, count);
          run.template operator()<additive_rows<Isa>>(first, j, together);
        }
        for (Index r = first; r < last; ++r) {
          const Index stop = j + std::min(count, end[r] - j);
          Index at = j + together;
          if (whole) {
            if (at < stop) run.template operator()<1>(r, at, stop - at);
            continue;
          }
          for (; at < stop; ++at) {
            if (arrays.d(r, at) == Scalar(0)) continue;  // hidden, or the gradient is 0
            if (far(r, arrays.far_k[at])) {
              far_gradient(r, at);
            } else {
              run.template operator()<1>(r, at, 1);
            }
          }
        }
      }
    });
  }

  /// out[i] += factor w[i] x[i]
  void add_weighted(Scalar factor, const Scalar* x, Scalar* out) const {
    simd::for_each_pack<P>(width, [&](Index c, Index n) {
      const P weight = P(factor) * simd::load<P>(arrays.w.data() + c, n);
      simd::store(fma(weight, simd::load<P>(x + c, n), simd::load<P>(out + c, n)), out + c, n);
    });
  }

  /// Calls pair(r, j) for the pairs with key j >= `common` and a weight other than 0.
  template <class Pair>
  void rest(const Pair& pair) const {
    for (Index r = 0; r < rows; ++r) {
      for (Index j = common; j < end[r]; ++j) {
        if (arrays.p(r, j) != Scalar(0)) pair(r, j);
      }
    }
  }
};

}  // namespace detail

/// Returns the scratch size in elements for one worker.
inline Index additive_attention_scratch(Index keys, Index width) {
  return detail::AdditiveArrays<float>(nullptr, keys, width).size;
}

/// `w` is [width]. Overwrites context [queries, width of v] and, if not null, `weights` [queries, keys].
template <class Scalar, class Isa = simd::NativeIsa>
void additive_attention_forward(const AttentionUnit<Scalar>& u, const Scalar* w, MatrixView<Scalar> context,
                                Scalar* weights, Scalar* scratch) noexcept {
  detail::Additive<Scalar, Isa> a(u, w, scratch);
  const MatrixView<Scalar> p = a.arrays.p;
  const Index keys = u.keys(), depth = u.v.cols();
  for (Index begin = 0; begin < u.queries(); begin += detail::additive_strip) {
    a.take_strip(begin);
    a.scores();
    for (Index r = 0; r < a.rows; ++r) {
      u.log_sums[begin + r] = softmax_row<Scalar, Isa>(a.end[r], p.row(r), p.row(r));
      if (weights == nullptr) continue;
      Scalar* row = weights + (begin + r) * keys;
      std::copy_n(p.row(r), a.end[r], row);
      std::fill(row + a.end[r], row + keys, Scalar(0));
    }
    const MatrixView<Scalar> out = context.rows(begin, begin + a.rows);
    gemm<Scalar, Isa>(p.rows(0, a.rows).columns(0, a.common), u.v.rows(0, a.common), out);
    a.rest([&](Index r, Index j) { add_scaled<Scalar, Isa>(depth, u.v.row(j), p(r, j), out.row(r)); });
  }
}

/// Adds to dq, dk, dv (each may be empty) and to dw [width] (may be null).
template <class Scalar, class Isa = simd::NativeIsa>
void additive_attention_backward(const AttentionUnit<Scalar>& u, const Scalar* w, MatrixView<const Scalar> d_context,
                                 const Scalar* d_weights, MatrixView<Scalar> dq, MatrixView<Scalar> dk,
                                 MatrixView<Scalar> dv, Scalar* dw, Scalar* scratch) noexcept {
  detail::Additive<Scalar, Isa> a(u, w, scratch);
  const MatrixView<Scalar> p = a.arrays.p;
  std::fill_n(a.arrays.dk.data(), u.keys() * a.arrays.dk.row_stride(), Scalar(0));
  std::fill_n(a.arrays.dw.data(), a.arrays.dw.row_stride(), Scalar(0));
  for (Index begin = 0; begin < u.queries(); begin += detail::additive_strip) {
    a.take_strip(begin);
    a.scores();
    for (Index r = 0; r < a.rows; ++r) exp_row<Scalar, Isa>(a.end[r], p.row(r), u.log_sums[begin + r]);
    const MatrixView<const Scalar> d_out = d_context.rows(begin, begin + a.rows);
    a.cotangents(d_out, d_weights);
    if (dv) {
      gemm_tn<Scalar, Isa>(p.rows(0, a.rows).columns(0, a.common), d_out, dv.rows(0, a.common), {.accumulate = true});
      a.rest([&](Index r, Index j) { add_scaled<Scalar, Isa>(dv.cols(), d_out.row(r), p(r, j), dv.row(j)); });
    }
    if (!dq && !dk && dw == nullptr) continue;
    std::fill_n(a.arrays.dq.data(), a.rows * a.arrays.dq.row_stride(), Scalar(0));
    a.gradients();
    for (Index r = 0; dq && r < a.rows; ++r) a.add_weighted(Scalar(-2), a.arrays.dq.row(r), dq.row(begin + r));
  }
  for (Index j = 0; dk && j < a.filled; ++j) a.add_weighted(Scalar(-2), a.arrays.dk.row(j), dk.row(j));
  // dw = sum ds tanh = sum ds (1 - 2 r), and the ds of a query sum to 0.
  if (dw != nullptr) add_scaled<Scalar, Isa>(a.width, a.arrays.dw.data(), Scalar(-2), dw);
}

}  // namespace heed::inline HEED_ABI::kernels
