// SPDX-License-Identifier: Apache-2.0
// The recurrent part of an LSTM layer, forward and backward, over ragged sequences in time-major order.
//
//   i, f, o = sigmoid(z_i, z_f, z_o)   g = tanh(z_g)   z = x W_ih^T + b_ih + b_hh + h' W_hh^T   (rows i, f, g, o)
//   c = f c' + i g                     h = o tanh(c), or W_hr (o tanh(c)) with a projection
#pragma once

#include <algorithm>

#include "heed/core/view.hpp"
#include "heed/kernels/detail/recurrent.hpp"
#include "heed/kernels/prefetch.hpp"
#include "heed/kernels/transpose.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Gates are ordered in blocks of one register of hidden units, with the i, f, g, o of a block side by side, so that
/// its units are complete as soon as its columns are. Calls `body(from, to, n)` for each run of n gates that begins at
/// `from` in the weights' order (all i, all f, all g, all o) and at `to` in this one.
template <class Scalar, class Isa = simd::NativeIsa, class Body>
inline void for_each_gate_run(Index hidden, const Body& body) {
  constexpr Index width = simd::Pack<Scalar, Isa>::width;
  for (Index j = 0; j < hidden; j += width) {
    const Index n = std::min(width, hidden - j);
    for (Index gate = 0; gate < 4; ++gate) body(gate * hidden + j, 4 * j + gate * n, n);
  }
}

/// Packs W [4H, K], W_ih or W_hh, into panels for the forward pass: the transpose of each block, [K, 4n].
template <class Scalar, class Isa = simd::NativeIsa>
void lstm_pack_forward(MatrixView<const Scalar> w, Scalar* packed) noexcept {
  const Index K = w.cols(), H = w.rows() / 4;
  for_each_gate_run<Scalar, Isa>(H, [&](Index from, Index to, Index n) {
    const Index inside = (from / H) * n;
    transpose<Scalar, Isa>(w.rows(from, from + n), {packed + K * (to - inside) + inside, {K, n}, 4 * n});
  });
}

/// Packs W_hh [4H, R] into panels for the backward pass: two registers of columns each, [4H, n].
template <class Scalar, class Isa = simd::NativeIsa>
void lstm_pack_backward(MatrixView<const Scalar> w_hh, Scalar* packed) noexcept {
  constexpr Index wide = 2 * simd::Pack<Scalar, Isa>::width;
  for (Index j = 0; j < w_hh.cols(); j += wide) {
    const Index end = std::min(j + wide, w_hh.cols());
    const MatrixView<Scalar> panel(packed + w_hh.rows() * j, {w_hh.rows(), end - j});
    for_each_gate_run<Scalar, Isa>(w_hh.rows() / 4, [&](Index from, Index to, Index n) {
      copy_rows<Scalar>(w_hh.rows(from, from + n).columns(j, end), panel.rows(to, to + n));
    });
  }
}

/// Computes the input's contribution to the gates: z [rows, 4H] = x [rows, in] W_ih^T + bias. w_ih is from
/// lstm_pack_forward; bias [4H] is in the order of z.
template <class Scalar, class Isa = simd::NativeIsa>
void lstm_project(MatrixView<const Scalar> x, const Scalar* w_ih, const Scalar* bias, MatrixView<Scalar> z) noexcept {
  detail::multiply_panels<Scalar, Isa>(x, w_ih, 4 * simd::Pack<Scalar, Isa>::width, z, bias);
}

/// The arrays of one layer in one direction: hidden size H, output size R (H without a projection).
template <class Scalar>
struct LstmArrays {
  MatrixView<Scalar> gates;     ///< [tokens, 4H] time-major; in: the input projection, out: i f g o
  MatrixView<Scalar> cells;     ///< [tokens, H] time-major c; empty without a backward pass: then gates are not written
  MatrixView<Scalar> previous;  ///< [tokens, R] time-major h of the previous step
  MatrixView<Scalar> unprojected;   ///< [tokens, H] time-major o tanh(c); empty without a projection
  MatrixView<Scalar> output;        ///< [tokens, R] packed h
  MatrixView<const Scalar> h0, c0;  ///< [segments, R], [segments, H]
  MatrixView<Scalar> h_n, c_n;      ///< [segments, R], [segments, H]: after the last step of each sequence
  const Scalar* w_hh = nullptr;     ///< [4H * R] from lstm_pack_forward
  MatrixView<const Scalar> w_hr_t;  ///< [H, R]: W_hr transposed; empty without a projection
};

namespace detail {

/// Computes gates and states of some units in all rows, and writes o to `m`. `cells` may be empty.
template <class Scalar, class Isa>
inline void lstm_states_forward(MatrixView<Scalar> gates, MatrixView<Scalar> c, MatrixView<Scalar> cells,
                                MatrixView<Scalar> m) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < c.rows(); ++r) {
    for (Index j = 0; j < c.cols(); j += P::width) {
      const Index n = std::min(P::width, c.cols() - j);
      Scalar* z = gates.row(r) + 4 * j;
      prefetch(z, gates.rows() * gates.row_stride(), 4 * P::width);  // for the next step
      const P i = sigmoid(simd::load<P>(z, n)), f = sigmoid(simd::load<P>(z + n, n));
      const P g = tanh(simd::load<P>(z + 2 * n, n)), o = sigmoid(simd::load<P>(z + 3 * n, n));
      const P state = fma(f, simd::load<P>(c.row(r) + j, n), i * g);
      if (cells) {
        simd::store(i, z, n);
        simd::store(f, z + n, n);
        simd::store(g, z + 2 * n, n);
        simd::store(o, z + 3 * n, n);
        simd::store(state, cells.row(r) + j, n);
      }
      simd::store(state, c.row(r) + j, n);
      simd::store(o, m.row(r) + j, n);
    }
  }
}

/// Replaces o by o tanh(c). Separate from the states, so that their long dependency chains overlap.
template <class Scalar, class Isa>
inline void lstm_outputs_forward(MatrixView<const Scalar> c, MatrixView<Scalar> m) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < c.rows(); ++r) {
    for (Index j = 0; j < c.cols(); j += P::width) {
      const Index n = std::min(P::width, c.cols() - j);
      Scalar* o = m.row(r) + j;
      simd::store(simd::load<P>(o, n) * tanh(simd::load<P>(c.row(r) + j, n)), o, n);
    }
  }
}

/// Writes dz of n units in all rows, adds its sums over the rows to d_bias, and turns dc into the previous step's.
/// `dm` is the gradient with respect to o tanh(c); `c_previous(r)` points to the units' c of the previous step.
template <class Scalar, class Isa, class Previous>
inline void lstm_cells_backward(MatrixView<const Scalar> gates, MatrixView<const Scalar> cells,
                                const Previous& c_previous, MatrixView<const Scalar> dm, MatrixView<Scalar> dc,
                                MatrixView<Scalar> dz, Scalar* d_bias) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P one(Scalar(1));
  const Index n = cells.cols();
  P sum[4] = {P(Scalar(0)), P(Scalar(0)), P(Scalar(0)), P(Scalar(0))};
  for (Index r = 0; r < gates.rows(); ++r) {
    const Scalar* in = gates.row(r);
    prefetch(in, -gates.rows() * gates.row_stride(), 4 * P::width);  // for the previous step
    const P i = simd::load<P>(in, n), f = simd::load<P>(in + n, n);
    const P g = simd::load<P>(in + 2 * n, n), o = simd::load<P>(in + 3 * n, n);
    const P t = tanh(simd::load<P>(cells.row(r), n)), up = simd::load<P>(dm.row(r), n);
    const P d = fma(up * o, one - t * t, simd::load<P>(dc.row(r), n));
    const P out[4] = {d * g * i * (one - i), d * simd::load<P>(c_previous(r), n) * f * (one - f), d * i * (one - g * g),
                      up * t * o * (one - o)};
#pragma GCC unroll 4
    for (int gate = 0; gate < 4; ++gate) {
      simd::store(out[gate], dz.row(r) + gate * n, n);
      sum[gate] = sum[gate] + out[gate];
    }
    simd::store(d * f, dc.row(r), n);
  }
#pragma GCC unroll 4
  for (int gate = 0; gate < 4; ++gate) {
    simd::store(simd::load<P>(d_bias + gate * n, n) + sum[gate], d_bias + gate * n, n);
  }
}

/// z += h' W_hh^T, for the gates of units [begin, end) in the rows of a step.
template <class Scalar, class Isa>
void lstm_recurrent_product(const LstmArrays<Scalar>& a, TimeStep step, Index begin, Index end) noexcept {
  constexpr Index width = simd::Pack<Scalar, Isa>::width;
  const Index H = a.gates.cols() / 4, R = a.previous.cols();
  const Scalar* const previous = a.previous.row(step.first);
  Scalar* const z = a.gates.row(step.first);
  // Plain pointers: constructing a view for each panel would delay the panel.
  for (Index j = begin; j < end; j += width) {
    const Index columns = 4 * std::min(width, H - j);
    gemm_blocks<Isa, Scalar>(step.rows, columns, R, {previous, a.previous.row_stride(), 1}, a.w_hh + 4 * j * R, columns,
                             z + 4 * j, a.gates.row_stride(), {.accumulate = true});
  }
}

/// Computes gates, c and m = o tanh(c) from z, for units [begin, end) in the rows of a step.
template <class Scalar, class Isa>
void lstm_states_and_outputs(const LstmArrays<Scalar>& a, TimeStep step, Index begin, Index end, MatrixView<Scalar> c,
                             MatrixView<Scalar> m) noexcept {
  const auto states = c.columns(begin, end), outputs = m.columns(begin, end);
  lstm_states_forward<Scalar, Isa>(step.of(a.gates).columns(4 * begin, 4 * end), states,
                                   step.of(a.cells).columns(begin, end), outputs);
  lstm_outputs_forward<Scalar, Isa>(states, outputs);
}

}  // namespace detail

/// Runs all steps of one group. `state` is a scratch buffer of [group_size, R + H].
template <class Scalar, class Isa = simd::NativeIsa>
void lstm_forward(const TimeMajor& order, Index group, const LstmArrays<Scalar>& a, Scalar* state) noexcept {
  const Index H = a.gates.cols() / 4, R = a.previous.cols(), members = order.members(group);
  // Members are ordered by length: those that have not ended are the first rows of both.
  const MatrixView<Scalar> all_h(state, {members, R}), all_c(state + members * R, {members, H});
  detail::load_states<Scalar>(order, group, a.h0, all_h);
  detail::load_states<Scalar>(order, group, a.c0, all_c);
  order.for_each_step(group, [&](TimeStep step, Index ended) {
    detail::store_states<Scalar>(order, group, step.rows, ended, all_h, a.h_n);
    detail::store_states<Scalar>(order, group, step.rows, ended, all_c, a.c_n);
    if (step.rows == 0) return;
    const auto h = all_h.rows(0, step.rows), c = all_c.rows(0, step.rows);
    const auto m = a.w_hr_t ? step.of(a.unprojected) : h;
    copy_rows<Scalar>(h, step.of(a.previous));
    // One block of units at a time stays in the cache; few rows use one block, as blocks would wait for each other.
    const Index block = step.rows < 4 ? H : simd::Pack<Scalar, Isa>::width;
    for (Index begin = 0; begin < H; begin += block) {
      const Index end = std::min(begin + block, H);
      detail::lstm_recurrent_product<Scalar, Isa>(a, step, begin, end);
      detail::lstm_states_and_outputs<Scalar, Isa>(a, step, begin, end, c, m);
    }
    if (a.w_hr_t) gemm<Scalar, Isa>(m, a.w_hr_t, h);
    detail::store_packed<Scalar>(order, step, h, a.output);
  });
}

/// The gradients of one layer.
template <class Scalar>
struct LstmGradients {
  MatrixView<const Scalar> d_output;      ///< [tokens, R] packed
  MatrixView<const Scalar> d_h_n, d_c_n;  ///< [segments, R], [segments, H]
  MatrixView<Scalar> d_gates;             ///< [tokens, 4H] time-major, out: dz
  MatrixView<Scalar> d_bias;              ///< [groups, 4H], out: the sums of dz over each group's rows
  MatrixView<Scalar> d_hidden;            ///< [tokens, R] time-major, out: dh; empty without a projection
  MatrixView<Scalar> d_h0, d_c0;          ///< [segments, R], [segments, H]: added to; may be empty
  const Scalar* w_hh = nullptr;           ///< [4H * R] from lstm_pack_backward
  MatrixView<const Scalar> w_hr;          ///< [R, H]; empty without a projection
};

namespace detail {

/// Computes dz of a step's rows from the gradients dm of o tanh(c) and dc of c; dc becomes the previous step's.
template <class Scalar, class Isa>
void lstm_gate_gradients(const TimeMajor& order, Index group, TimeStep step, const LstmArrays<Scalar>& a,
                         const LstmGradients<Scalar>& d, MatrixView<Scalar> dm, MatrixView<Scalar> dc) noexcept {
  constexpr Index width = simd::Pack<Scalar, Isa>::width;
  const Index H = dc.cols();
  const Index before = step.t == 0 ? 0 : step.first - order.alive(group, order.members(group), step.t - 1);
  for (Index j = 0; j < H; j += width) {
    const Index end = std::min(j + width, H);
    const auto c_previous = [&](Index r) {
      return (step.t == 0 ? a.c0.row(order.member(group, r)) : a.cells.row(before + r)) + j;
    };
    lstm_cells_backward<Scalar, Isa>(step.of(a.gates).columns(4 * j, 4 * end), step.of(a.cells).columns(j, end),
                                     c_previous, dm.columns(j, end), dc.columns(j, end),
                                     step.of(d.d_gates).columns(4 * j, 4 * end), d.d_bias.row(group) + 4 * j);
  }
}

}  // namespace detail

/// Runs all steps of one group, last to first. `state` is a scratch buffer of [group_size, R + 2H].
template <class Scalar, class Isa = simd::NativeIsa>
void lstm_backward(const TimeMajor& order, Index group, const LstmArrays<Scalar>& a, const LstmGradients<Scalar>& d,
                   Scalar* state) noexcept {
  const Index H = a.gates.cols() / 4, R = a.previous.cols(), members = order.members(group);
  const MatrixView<Scalar> all_dh(state, {members, R}), all_dc(state + members * R, {members, H});
  const MatrixView<Scalar> all_dm(all_dc.data() + members * H, {members, H});
  detail::load_states<Scalar>(order, group, d.d_h_n, all_dh);
  detail::load_states<Scalar>(order, group, d.d_c_n, all_dc);
  std::fill_n(d.d_bias.row(group), 4 * H, Scalar(0));
  order.for_each_step_backward(group, [&](TimeStep step) {
    const auto dh = all_dh.rows(0, step.rows);
    detail::add_packed<Scalar, Isa>(order, step, d.d_output, dh);
    const auto dm = d.w_hr ? all_dm.rows(0, step.rows) : dh;
    if (d.w_hr) {
      copy_rows<Scalar>(dh, step.of(d.d_hidden));
      gemm<Scalar, Isa>(dh, d.w_hr, dm);
    }
    detail::lstm_gate_gradients<Scalar, Isa>(order, group, step, a, d, dm, all_dc.rows(0, step.rows));
    detail::multiply_panels<Scalar, Isa>(step.of(d.d_gates), d.w_hh, 2 * simd::Pack<Scalar, Isa>::width, dh);
  });
  detail::add_states<Scalar, Isa>(order, group, all_dh, d.d_h0);
  detail::add_states<Scalar, Isa>(order, group, all_dc, d.d_c0);
}

}  // namespace heed::inline HEED_ABI::kernels
