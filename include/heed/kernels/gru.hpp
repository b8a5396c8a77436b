// SPDX-License-Identifier: Apache-2.0
// The recurrent part of a GRU layer, forward and backward, over ragged sequences in time-major order.
//
//   r, z = sigmoid(x W_i^T + b_i + h' W_h^T + b_h)   s = h' W_hn^T + b_hn   n = tanh(x W_in^T + b_in + r s)
//   h = (1 - z) n + z h'
//
// A row of gates is n r z s, H each: the input has its share in the first three, the state in the last three.
#pragma once

#include <algorithm>

#include "heed/core/view.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/prefetch.hpp"
#include "heed/kernels/time_major.hpp"
#include "heed/kernels/transpose.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Hidden units that are done with at once: a panel of a product.
template <class Scalar, class Isa = simd::NativeIsa>
inline constexpr Index gru_block = 2 * simd::Pack<Scalar, Isa>::width;

/// W [3H, K], W_ih or W_hh (rows r, z, n), in panels for the way forward: gate by gate and block by block its
/// transpose, [K, n].
template <class Scalar, class Isa = simd::NativeIsa>
void gru_pack_forward(MatrixView<const Scalar> w, Scalar* packed) noexcept {
  const Index K = w.cols(), H = w.rows() / 3;
  for (Index gate = 0; gate < 3; ++gate) {
    for (Index j = gate * H, end = j; j < (gate + 1) * H; j = end) {
      end = std::min(j + gru_block<Scalar, Isa>, (gate + 1) * H);
      transpose<Scalar, Isa>(w.rows(j, end), {packed + K * j, {K, end - j}});
    }
  }
}

/// The panels of W_hh [3H, H] for the way back: a block's columns each, [3H, n].
template <class Scalar, class Isa = simd::NativeIsa>
void gru_pack_backward(MatrixView<const Scalar> w_hh, Scalar* packed) noexcept {
  for (Index j = 0, end = 0; j < w_hh.cols(); j = end) {
    end = std::min(j + gru_block<Scalar, Isa>, w_hh.cols());
    copy_rows<Scalar>(w_hh.columns(j, end), {packed + w_hh.rows() * j, {w_hh.rows(), end - j}});
  }
}

/// The input's share of some rows' gates: n, r and z of gates [rows, 4H] from x [rows, in], w_ih from gru_pack_forward
/// and bias [3H] in the weights' order, or null.
template <class Scalar, class Isa = simd::NativeIsa>
void gru_project(MatrixView<const Scalar> x, const Scalar* w_ih, const Scalar* bias,
                 MatrixView<Scalar> gates) noexcept {
  const Index K = x.cols(), H = gates.cols() / 4;
  for (Index gate = 0; gate < 3; ++gate) {
    const auto to = gates.columns((gate + 1) % 3 * H, ((gate + 1) % 3 + 1) * H);
    for (Index j = 0, end = 0; j < H; j = end) {
      end = std::min(j + gru_block<Scalar, Isa>, H);
      const MatrixView<const Scalar> panel(w_ih + K * (gate * H + j), {K, end - j});
      gemm<Scalar, Isa>(x, panel, to.columns(j, end), {.bias = bias != nullptr ? bias + gate * H + j : nullptr});
    }
  }
}

/// The arrays of one layer of hidden size H in one direction.
template <class Scalar>
struct GruArrays {
  MatrixView<Scalar> gates;      ///< [tokens, 4H] time-major: in, the input's share; out, n r z s
  MatrixView<Scalar> previous;   ///< [tokens, H] time-major h of the step before
  MatrixView<Scalar> output;     ///< [tokens, H] packed h
  MatrixView<const Scalar> h0;   ///< [segments, H]
  MatrixView<Scalar> h_n;        ///< [segments, H]: after each sequence's own last step
  const Scalar* w_hh = nullptr;  ///< [3H * H] from gru_pack_forward
  const Scalar* b_hn = nullptr;  ///< [H], or null
  bool keep = true;              ///< somebody goes back: n r z are written
};

namespace detail {

/// Prefetches a register of each gate; `offset` as in `prefetch`.
template <class Scalar>
[[gnu::always_inline]] inline void prefetch_gates(const Scalar* p, Index offset, Index hidden) {
#pragma GCC unroll 4
  for (Index gate = 0; gate < 4; ++gate) prefetch(p, offset + gate * hidden, 1);
}

/// Gates and states of the units [begin, end) in all rows; h may be written where it is read.
template <class Scalar, class Isa>
inline void gru_cells_forward(Index begin, Index end, bool keep, MatrixView<Scalar> gates,
                              MatrixView<const Scalar> previous, MatrixView<Scalar> h) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index H = h.cols();
  for (Index row = 0; row < h.rows(); ++row) {
    simd::for_each_pack<P>(end - begin, [&](Index j, Index width) {
      Scalar* at = gates.row(row) + begin + j;
      prefetch_gates(at, gates.rows() * gates.row_stride(), H);  // the next step's
      const P r = sigmoid(simd::load<P>(at + H, width)), z = sigmoid(simd::load<P>(at + 2 * H, width));
      const P n = tanh(fma(r, simd::load<P>(at + 3 * H, width), simd::load<P>(at, width)));
      if (keep) {
        simd::store(n, at, width);
        simd::store(r, at + H, width);
        simd::store(z, at + 2 * H, width);
      }
      const P before = simd::load<P>(previous.row(row) + begin + j, width);
      simd::store(fma(z, before - n, n), h.row(row) + begin + j, width);
    });
  }
}

/// Of at most a register's units from j on, in all rows: the cotangents of what is inside tanh and the sigmoids and of
/// s, their sums over the rows, and dh from that of h to z times it.
template <class Scalar, class Isa>
inline void gru_cells_backward(Index j, Index width, MatrixView<const Scalar> gates, MatrixView<const Scalar> previous,
                               MatrixView<Scalar> dh, MatrixView<Scalar> d_gates, Scalar* d_bias) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P one(Scalar(1));
  const Index H = dh.cols();
  P sum[4] = {P(Scalar(0)), P(Scalar(0)), P(Scalar(0)), P(Scalar(0))};
  for (Index row = 0; row < dh.rows(); ++row) {
    const Scalar* at = gates.row(row) + j;
    prefetch_gates(at, -gates.rows() * gates.row_stride(), H);  // the step before
    prefetch_gates(d_gates.row(row) + j, -d_gates.rows() * d_gates.row_stride(), H);
    const P n = simd::load<P>(at, width), r = simd::load<P>(at + H, width);
    const P z = simd::load<P>(at + 2 * H, width), s = simd::load<P>(at + 3 * H, width);
    const P up = simd::load<P>(dh.row(row) + j, width), keeps = up * z;
    const P inside = (up - keeps) * (one - n * n);
    const P out[4] = {inside, inside * s * r * (one - r),
                      keeps * (simd::load<P>(previous.row(row) + j, width) - n) * (one - z), inside * r};
#pragma GCC unroll 4
    for (int gate = 0; gate < 4; ++gate) {
      simd::store(out[gate], d_gates.row(row) + gate * H + j, width);
      sum[gate] = sum[gate] + out[gate];
    }
    simd::store(keeps, dh.row(row) + j, width);
  }
#pragma GCC unroll 4
  for (int gate = 0; gate < 4; ++gate) {
    Scalar* at = d_bias + gate * H + j;
    simd::store(simd::load<P>(at, width) + sum[gate], at, width);
  }
}

}  // namespace detail

/// All steps of one group. `state` is scratch of [group_size, H].
template <class Scalar, class Isa = simd::NativeIsa>
void gru_forward(const TimeMajor& order, Index group, const GruArrays<Scalar>& a, Scalar* state) noexcept {
  constexpr Index block = gru_block<Scalar, Isa>;
  const Index H = a.previous.cols(), members = order.members(group);
  const MatrixView<Scalar> h(state, {members, H});
  for (Index r = 0; r < members; ++r) std::copy_n(a.h0.row(order.member(group, r)), H, h.row(r));
  Index at = order.first[group];
  for (Index t = 0, rows = members; rows > 0; ++t) {
    // Sequences end from the back: the states of the others are the first rows of `h`.
    const Index ended = rows;
    rows = order.alive(group, rows, t);
    for (Index r = rows; r < ended; ++r) std::copy_n(h.row(r), H, a.h_n.row(order.member(group, r)));
    const auto gates = a.gates.rows(at, at + rows), previous = a.previous.rows(at, at + rows);
    const auto now = h.rows(0, rows);
    copy_rows<Scalar>(now, previous);
    // Few rows do all products first: their states, one after the other, would each be waited for.
    const Index together = rows < 4 ? H : block;
    for (Index from = 0; from < H; from += together) {
      const Index to = std::min(from + together, H);
      for (Index j = from, end = from; j < to; j = end) {
        end = std::min(j + block, H);
        for (Index gate = 0; gate < 3; ++gate) {
          const MatrixView<const Scalar> panel(a.w_hh + H * (gate * H + j), {H, end - j});
          const bool s = gate == 2;
          gemm<Scalar, Isa>(previous, panel, gates.columns((gate + 1) * H + j, (gate + 1) * H + end),
                            {.bias = s && a.b_hn != nullptr ? a.b_hn + j : nullptr, .accumulate = !s});
        }
      }
      detail::gru_cells_forward<Scalar, Isa>(from, to, a.keep, gates, previous, now);
    }
    for (Index r = 0; r < rows; ++r) std::copy_n(h.row(r), H, a.output.row(order.source[at + r]));
    at += rows;
  }
}

/// What flows back through one layer.
template <class Scalar>
struct GruGradients {
  MatrixView<const Scalar> d_output;  ///< [tokens, H] packed
  MatrixView<const Scalar> d_h_n;     ///< [segments, H]
  MatrixView<Scalar> d_gates;         ///< [tokens, 4H] time-major, n r z s before their functions: out
  MatrixView<Scalar> d_bias;          ///< [groups, 4H]: out, the sums of d_gates over each group's rows
  MatrixView<Scalar> d_h0;            ///< [segments, H]: added to; may be empty
  const Scalar* w_hh = nullptr;       ///< [3H * H] from gru_pack_backward
};

/// All steps of one group, last to first. `state` is scratch of [group_size, H].
template <class Scalar, class Isa = simd::NativeIsa>
void gru_backward(const TimeMajor& order, Index group, const GruArrays<Scalar>& a, const GruGradients<Scalar>& d,
                  Scalar* state) noexcept {
  constexpr Index width = simd::Pack<Scalar, Isa>::width;
  const Index H = a.previous.cols(), members = order.members(group);
  const MatrixView<Scalar> dh(state, {members, H});
  for (Index r = 0; r < members; ++r) std::copy_n(d.d_h_n.row(order.member(group, r)), H, dh.row(r));
  Scalar* d_bias = d.d_bias.row(group);
  std::fill_n(d_bias, 4 * H, Scalar(0));
  Index at = order.first[group + 1];
  for (Index t = members == 0 ? 0 : order.segments.length(order.member(group, 0)); t-- > 0;) {
    const Index rows = order.alive(group, members, t);
    at -= rows;
    const auto now = dh.rows(0, rows);
    const auto d_gates = d.d_gates.rows(at, at + rows);
    for (Index r = 0; r < rows; ++r) {
      add_rows<Scalar, Isa>({d.d_output.row(order.source[at + r]), {1, H}}, dh.rows(r, r + 1));
    }
    for (Index j = 0; j < H; j += width) {
      detail::gru_cells_backward<Scalar, Isa>(j, std::min(width, H - j), a.gates.rows(at, at + rows),
                                              a.previous.rows(at, at + rows), now, d_gates, d_bias);
    }
    for (Index j = 0, end = 0; j < H; j = end) {
      end = std::min(j + gru_block<Scalar, Isa>, H);
      const MatrixView<const Scalar> panel(d.w_hh + 3 * H * j, {3 * H, end - j});
      gemm<Scalar, Isa>(d_gates.columns(H, 4 * H), panel, now.columns(j, end), {.accumulate = true});
    }
  }
  for (Index r = 0; d.d_h0 && r < members; ++r) {
    const Index s = order.member(group, r);
    add_rows<Scalar, Isa>(dh.rows(r, r + 1), d.d_h0.rows(s, s + 1));
  }
}

}  // namespace heed::inline HEED_ABI::kernels
