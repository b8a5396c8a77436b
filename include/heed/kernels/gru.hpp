// SPDX-License-Identifier: Apache-2.0
// The recurrent part of a GRU layer, forward and backward, over ragged sequences in time-major order.
//
//   r, z = sigmoid(x W_i^T + b_i + h' W_h^T + b_h)   s = h' W_hn^T + b_hn   n = tanh(x W_in^T + b_in + r s)
//   h = (1 - z) n + z h'
//
// A row of gates holds n r z s, H each: the input contributes to the first three, the state to the last three.
#pragma once

#include <algorithm>

#include "heed/core/view.hpp"
#include "heed/kernels/detail/recurrent.hpp"
#include "heed/kernels/prefetch.hpp"
#include "heed/kernels/transpose.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Hidden units that are processed together: one panel of a product.
template <class Scalar, class Isa = simd::NativeIsa>
inline constexpr Index gru_block = 2 * simd::Pack<Scalar, Isa>::width;

/// Packs W [3H, K], W_ih or W_hh (rows r, z, n), into panels for the forward pass: for each gate and each block of n
/// units the transpose, [K, n].
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

/// Packs W_hh [3H, H] into panels for the backward pass: the columns of each block, [3H, n].
template <class Scalar, class Isa = simd::NativeIsa>
void gru_pack_backward(MatrixView<const Scalar> w_hh, Scalar* packed) noexcept {
  for (Index j = 0, end = 0; j < w_hh.cols(); j = end) {
    end = std::min(j + gru_block<Scalar, Isa>, w_hh.cols());
    copy_rows<Scalar>(w_hh.columns(j, end), {packed + w_hh.rows() * j, {w_hh.rows(), end - j}});
  }
}

/// Computes the input's contribution to n, r and z of gates [rows, 4H] from x [rows, in]. w_ih is from
/// gru_pack_forward; bias [3H] is in the order of the weights and may be null.
template <class Scalar, class Isa = simd::NativeIsa>
void gru_project(MatrixView<const Scalar> x, const Scalar* w_ih, const Scalar* bias,
                 MatrixView<Scalar> gates) noexcept {
  const Index K = x.cols(), H = gates.cols() / 4;
  for (Index gate = 0; gate < 3; ++gate) {
    const Index to = (gate + 1) % 3;
    detail::multiply_panels<Scalar, Isa>(x, w_ih + K * gate * H, gru_block<Scalar, Isa>,
                                         gates.columns(to * H, (to + 1) * H),
                                         bias != nullptr ? bias + gate * H : nullptr);
  }
}

/// The arrays of one layer with hidden size H in one direction.
template <class Scalar>
struct GruArrays {
  MatrixView<Scalar> gates;      ///< [tokens, 4H] time-major; in: the input's contribution, out: n r z s
  MatrixView<Scalar> previous;   ///< [tokens, H] time-major h of the previous step
  MatrixView<Scalar> output;     ///< [tokens, H] packed h
  MatrixView<const Scalar> h0;   ///< [segments, H]
  MatrixView<Scalar> h_n;        ///< [segments, H]: h after the last step of each sequence
  const Scalar* w_hh = nullptr;  ///< [3H * H] from gru_pack_forward
  const Scalar* b_hn = nullptr;  ///< [H]; may be null
  bool keep = true;              ///< true if a backward pass follows: n r z are written
};

namespace detail {

/// Prefetches one register of each gate; `offset` as in `prefetch`.
template <class Scalar>
[[gnu::always_inline]] inline void prefetch_gates(const Scalar* p, Index offset, Index hidden) {
#pragma GCC unroll 4
  for (Index gate = 0; gate < 4; ++gate) prefetch(p, offset + gate * hidden, 1);
}

/// Computes the gates and states of units [begin, end) in all rows; h and `previous` may be the same array.
template <class Scalar, class Isa>
inline void gru_cells_forward(Index begin, Index end, bool keep, MatrixView<Scalar> gates,
                              MatrixView<const Scalar> previous, MatrixView<Scalar> h) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index H = h.cols();
  for (Index row = 0; row < h.rows(); ++row) {
    simd::for_each_pack<P>(end - begin, [&](Index j, Index width) {
      Scalar* at = gates.row(row) + begin + j;
      prefetch_gates(at, gates.rows() * gates.row_stride(), H);  // for the next step
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

/// For at most one register of units from j on, in all rows: writes the gradients with respect to s and the arguments
/// of tanh and the sigmoids to d_gates, adds their sums over the rows to d_bias, and multiplies dh by z.
template <class Scalar, class Isa>
inline void gru_cells_backward(Index j, Index width, MatrixView<const Scalar> gates, MatrixView<const Scalar> previous,
                               MatrixView<Scalar> dh, MatrixView<Scalar> d_gates, Scalar* d_bias) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const P one(Scalar(1));
  const Index H = dh.cols();
  P sum[4] = {P(Scalar(0)), P(Scalar(0)), P(Scalar(0)), P(Scalar(0))};
  for (Index row = 0; row < dh.rows(); ++row) {
    const Scalar* at = gates.row(row) + j;
    prefetch_gates(at, -gates.rows() * gates.row_stride(), H);  // for the previous step
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

/// r, z += h' W_h^T and s = h' W_hn^T + b_hn, for units [begin, end) in the rows of a step.
template <class Scalar, class Isa>
void gru_recurrent_product(const GruArrays<Scalar>& a, TimeStep step, Index begin, Index end) noexcept {
  const Index H = a.previous.cols();
  for (Index gate = 0; gate < 3; ++gate) {
    const bool s = gate == 2;
    const Index to = (gate + 1) * H;
    multiply_panels<Scalar, Isa>(step.of(a.previous), a.w_hh + H * (gate * H + begin), gru_block<Scalar, Isa>,
                                 step.of(a.gates).columns(to + begin, to + end),
                                 s && a.b_hn != nullptr ? a.b_hn + begin : nullptr, !s);
  }
}

}  // namespace detail

/// Runs all steps of one group. `state` is a scratch buffer of [group_size, H].
template <class Scalar, class Isa = simd::NativeIsa>
void gru_forward(const TimeMajor& order, Index group, const GruArrays<Scalar>& a, Scalar* state) noexcept {
  const Index H = a.previous.cols();
  // Members are ordered by length: those that have not ended are the first rows.
  const MatrixView<Scalar> all_h(state, {order.members(group), H});
  detail::load_states<Scalar>(order, group, a.h0, all_h);
  order.for_each_step(group, [&](TimeStep step, Index ended) {
    detail::store_states<Scalar>(order, group, step.rows, ended, all_h, a.h_n);
    if (step.rows == 0) return;
    const auto h = all_h.rows(0, step.rows);
    copy_rows<Scalar>(h, step.of(a.previous));
    // With few rows, all products are computed first, because each would wait for the states of the block before it.
    const Index block = step.rows < 4 ? H : gru_block<Scalar, Isa>;
    for (Index begin = 0; begin < H; begin += block) {
      const Index end = std::min(begin + block, H);
      detail::gru_recurrent_product<Scalar, Isa>(a, step, begin, end);
      detail::gru_cells_forward<Scalar, Isa>(begin, end, a.keep, step.of(a.gates), step.of(a.previous), h);
    }
    detail::store_packed<Scalar>(order, step, h, a.output);
  });
}

/// The gradients of one layer.
template <class Scalar>
struct GruGradients {
  MatrixView<const Scalar> d_output;  ///< [tokens, H] packed
  MatrixView<const Scalar> d_h_n;     ///< [segments, H]
  MatrixView<Scalar> d_gates;         ///< [tokens, 4H] time-major, out: gradients of n r z s before their activations
  MatrixView<Scalar> d_bias;          ///< [groups, 4H], out: the sums of d_gates over each group's rows
  MatrixView<Scalar> d_h0;            ///< [segments, H]: added to; may be empty
  const Scalar* w_hh = nullptr;       ///< [3H * H] from gru_pack_backward
};

/// Runs all steps of one group, last to first. `state` is a scratch buffer of [group_size, H].
template <class Scalar, class Isa = simd::NativeIsa>
void gru_backward(const TimeMajor& order, Index group, const GruArrays<Scalar>& a, const GruGradients<Scalar>& d,
                  Scalar* state) noexcept {
  constexpr Index width = simd::Pack<Scalar, Isa>::width;
  const Index H = a.previous.cols();
  const MatrixView<Scalar> all_dh(state, {order.members(group), H});
  detail::load_states<Scalar>(order, group, d.d_h_n, all_dh);
  std::fill_n(d.d_bias.row(group), 4 * H, Scalar(0));
  order.for_each_step_backward(group, [&](TimeStep step) {
    const auto dh = all_dh.rows(0, step.rows), d_gates = step.of(d.d_gates);
    detail::add_packed<Scalar, Isa>(order, step, d.d_output, dh);
    for (Index j = 0; j < H; j += width) {
      detail::gru_cells_backward<Scalar, Isa>(j, std::min(width, H - j), step.of(a.gates), step.of(a.previous), dh,
                                              d_gates, d.d_bias.row(group));
    }
    detail::multiply_panels<Scalar, Isa>(d_gates.columns(H, 4 * H), d.w_hh, gru_block<Scalar, Isa>, dh, nullptr, true);
  });
  detail::add_states<Scalar, Isa>(order, group, all_dh, d.d_h0);
}

}  // namespace heed::inline HEED_ABI::kernels
