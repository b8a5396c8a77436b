// SPDX-License-Identifier: Apache-2.0
// The recurrent part of an LSTM layer, forward and backward, over ragged sequences in time-major order.
//
//   i, f, o = sigmoid(z_i, z_f, z_o)   g = tanh(z_g)   z = x W_ih^T + b_ih + b_hh + h' W_hh^T   (rows i, f, g, o)
//   c = f c' + i g                     h = o tanh(c), or W_hr (o tanh(c)) with a projection
#pragma once

#include <algorithm>

#include "heed/core/segments.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Time-major order of a batch. Sequences are dealt to groups of at most `group_size` in turn, longest first, so that
/// groups take about equally long and, inside a group, the sequences alive at a step are the first ones. The rows of
/// a group are its step 0 (all members), its step 1 (those longer than 1), and so on.
struct TimeMajor {
  static constexpr Index group_size = 32;

  SegmentsView segments;
  bool reverse = false;
  Index* source = nullptr;    ///< [tokens]: the packed row of each time-major row
  Index* previous = nullptr;  ///< [tokens]: the packed row of the step before, or -1 - segment at its first step
  Index* first = nullptr;     ///< [groups + 1]: the first time-major row of each group

  Index groups() const { return (segments.count + group_size - 1) / group_size; }
  Index members(Index group) const { return (segments.count - group + groups() - 1) / groups(); }
  Index member(Index group, Index r) const { return segments.order[group + r * groups()]; }
  /// How many members of a group, of the `from` first, have a step t.
  Index alive(Index group, Index from, Index t) const {
    while (from > 0 && segments.length(member(group, from - 1)) <= t) --from;
    return from;
  }

  /// Fills source, previous and first.
  void arrange() noexcept {
    Index row = 0;
    for (Index group = 0; group < groups(); ++group) {
      first[group] = row;
      Index rows = members(group);
      for (Index t = 0; (rows = alive(group, rows, t)) > 0; ++t) {
        for (Index r = 0; r < rows; ++r, ++row) {
          const Index s = member(group, r);
          source[row] = reverse ? segments.end(s) - 1 - t : segments.begin(s) + t;
          previous[row] = t == 0 ? -1 - s : (reverse ? source[row] + 1 : source[row] - 1);
        }
      }
    }
    first[groups()] = row;
  }
};

/// The arrays of one layer in one direction: hidden size H, output size R (H without a projection).
template <class Scalar>
struct LstmArrays {
  TensorView<Scalar> gates;         ///< [tokens, 4H] time-major: in, the input projection; out, i f g o
  TensorView<Scalar> cells;         ///< [tokens, H] time-major c
  TensorView<Scalar> hidden;        ///< [tokens, R] time-major h
  TensorView<const Scalar> h0, c0;  ///< [segments, R], [segments, H]
  TensorView<Scalar> h_n, c_n;      ///< [segments, R], [segments, H]: after each sequence's own last step
  TensorView<const Scalar> w_hh_t;  ///< [R, 4H]: W_hh transposed
  TensorView<const Scalar> w_hr_t;  ///< [H, R]: W_hr transposed; empty without a projection
  TensorView<Scalar> unprojected;   ///< [tokens, H] time-major o tanh(c); empty without a projection
};

/// Gates and states of one row.
template <class Scalar, class Isa>
inline void lstm_cell_forward(Index size, Scalar* gates, const Scalar* c_previous, Scalar* c, Scalar* h) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P i = sigmoid(simd::load<P>(gates + j, n)), f = sigmoid(simd::load<P>(gates + size + j, n));
    const P g = tanh(simd::load<P>(gates + 2 * size + j, n)), o = sigmoid(simd::load<P>(gates + 3 * size + j, n));
    const P state = fma(f, simd::load<P>(c_previous + j, n), i * g);
    simd::store(i, gates + j, n);
    simd::store(f, gates + size + j, n);
    simd::store(g, gates + 2 * size + j, n);
    simd::store(o, gates + 3 * size + j, n);
    simd::store(state, c + j, n);
    simd::store(o * tanh(state), h + j, n);
  });
}

/// dz of one row from the gates, and dc from the cotangent of c to that of the state before. `dh` is of o tanh(c).
template <class Scalar, class Isa>
inline void lstm_cell_backward(Index size, const Scalar* gates, const Scalar* c_previous, const Scalar* c,
                               const Scalar* dh, Scalar* dc, Scalar* dz) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P one(Scalar(1));
  simd::for_each_pack<P>(size, [&](Index j, Index n) {
    const P i = simd::load<P>(gates + j, n), f = simd::load<P>(gates + size + j, n);
    const P g = simd::load<P>(gates + 2 * size + j, n), o = simd::load<P>(gates + 3 * size + j, n);
    const P t = tanh(simd::load<P>(c + j, n)), up = simd::load<P>(dh + j, n);
    const P d = fma(up * o, one - t * t, simd::load<P>(dc + j, n));
    simd::store(d * g * i * (one - i), dz + j, n);
    simd::store(d * simd::load<P>(c_previous + j, n) * f * (one - f), dz + size + j, n);
    simd::store(d * i * (one - g * g), dz + 2 * size + j, n);
    simd::store(up * t * o * (one - o), dz + 3 * size + j, n);
    simd::store(d * f, dc + j, n);
  });
}

/// All steps of one group. `state` is scratch of [group_size, R + H].
template <class Scalar, class Isa = simd::NativeIsa>
void lstm_forward(const TimeMajor& order, Index group, const LstmArrays<Scalar>& a, Scalar* state) noexcept {
  const Index H = a.cells.cols(), R = a.hidden.cols(), members = order.members(group);
  const bool projected = static_cast<bool>(a.w_hr_t);
  const TensorView<Scalar> h(state, {members, R});
  Scalar* c = state + TimeMajor::group_size * R;
  for (Index r = 0; r < members; ++r) {
    std::copy_n(a.h0.row(order.member(group, r)), R, h.row(r));
    std::copy_n(a.c0.row(order.member(group, r)), H, c + r * H);
  }
  Index rows = members, at = order.first[group];
  for (Index t = 0; (rows = order.alive(group, rows, t)) > 0; ++t, at += rows) {
    // The states of the step before are the first rows of `h` and `c`: sequences end from the back.
    gemm<Scalar, Isa>(h.rows(0, rows), a.w_hh_t, a.gates.rows(at, at + rows), {.accumulate = true});
    for (Index r = 0; r < rows; ++r) {
      Scalar* out = projected ? a.unprojected.row(at + r) : a.hidden.row(at + r);
      lstm_cell_forward<Scalar, Isa>(H, a.gates.row(at + r), c + r * H, a.cells.row(at + r), out);
      std::copy_n(a.cells.row(at + r), H, c + r * H);
    }
    if (projected) gemm<Scalar, Isa>(a.unprojected.rows(at, at + rows), a.w_hr_t, a.hidden.rows(at, at + rows));
    for (Index r = 0; r < rows; ++r) std::copy_n(a.hidden.row(at + r), R, h.row(r));
  }
  for (Index r = 0; r < members; ++r) {
    std::copy_n(h.row(r), R, a.h_n.row(order.member(group, r)));
    std::copy_n(c + r * H, H, a.c_n.row(order.member(group, r)));
  }
}

/// What flows back through one layer.
template <class Scalar>
struct LstmGradients {
  TensorView<Scalar> d_hidden;  ///< [tokens, R] time-major: in, dL/d(output); out, the whole dL/dh of each step
  TensorView<const Scalar> d_h_n, d_c_n;  ///< [segments, R], [segments, H]
  TensorView<Scalar> d_gates;             ///< [tokens, 4H] time-major dz: out
  TensorView<Scalar> d_h0, d_c0;          ///< [segments, R], [segments, H]: added to; may be empty
  TensorView<const Scalar> w_hh;          ///< [4H, R]
  TensorView<const Scalar> w_hr;          ///< [R, H]; empty without a projection
};

/// All steps of one group, last to first. `state` is scratch of [group_size, R + 2H].
template <class Scalar, class Isa = simd::NativeIsa>
void lstm_backward(const TimeMajor& order, Index group, const LstmArrays<Scalar>& a, const LstmGradients<Scalar>& d,
                   Scalar* state) noexcept {
  const Index H = a.cells.cols(), R = a.hidden.cols(), members = order.members(group);
  const TensorView<Scalar> dh(state, {members, R});
  Scalar* dc = state + TimeMajor::group_size * R;
  const TensorView<Scalar> dm(dc + TimeMajor::group_size * H, {members, H});
  for (Index r = 0; r < members; ++r) {
    std::copy_n(d.d_h_n.row(order.member(group, r)), R, dh.row(r));
    std::copy_n(d.d_c_n.row(order.member(group, r)), H, dc + r * H);
  }
  const Index longest = members == 0 ? 0 : order.segments.length(order.member(group, 0));
  Index at = order.first[group + 1];
  for (Index t = longest; t-- > 0;) {
    const Index rows = order.alive(group, members, t);
    at -= rows;
    for (Index r = 0; r < rows; ++r) {
      for (Index j = 0; j < R; ++j) d.d_hidden(at + r, j) += dh(r, j);
    }
    if (d.w_hr) gemm<Scalar, Isa>(d.d_hidden.rows(at, at + rows), d.w_hr, dm.rows(0, rows));
    const Index before = t == 0 ? 0 : at - order.alive(group, members, t - 1);
    for (Index r = 0; r < rows; ++r) {
      const Scalar* c_previous = t == 0 ? a.c0.row(order.member(group, r)) : a.cells.row(before + r);
      lstm_cell_backward<Scalar, Isa>(H, a.gates.row(at + r), c_previous, a.cells.row(at + r),
                                      d.w_hr ? dm.row(r) : d.d_hidden.row(at + r), dc + r * H, d.d_gates.row(at + r));
    }
    gemm<Scalar, Isa>(d.d_gates.rows(at, at + rows), d.w_hh, dh.rows(0, rows));
  }
  for (Index r = 0; r < members; ++r) {
    const Index s = order.member(group, r);
    for (Index j = 0; d.d_h0 && j < R; ++j) d.d_h0(s, j) += dh(r, j);
    for (Index j = 0; d.d_c0 && j < H; ++j) d.d_c0(s, j) += dc[r * H + j];
  }
}

}  // namespace heed::inline HEED_ABI::kernels
