// SPDX-License-Identifier: Apache-2.0
// One GRU layer in one direction over ragged sequences, as one operation.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/gru.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/detail/recurrent.hpp"

namespace heed::inline HEED_ABI {

/// Weights with PyTorch's names and shapes, the gates in row order r, z, n. H is the hidden size.
template <class Scalar>
struct GruWeights {
  Var<Scalar> weight_ih;             ///< [3H, input]
  Var<Scalar> weight_hh;             ///< [3H, H]
  Var<Scalar> bias_ih{}, bias_hh{};  ///< [3H], or both empty
};

template <class Scalar>
struct GruResult {
  Var<Scalar> output;  ///< [tokens, H]
  Var<Scalar> h_n;     ///< [sequences, H]: state after each sequence's last step; the initial state if it is empty
};

/// x [tokens, input]; h0 [sequences, H], zero when empty. The reset gate is applied after the recurrent product:
/// n = tanh(W_in x + b_in + r (W_hn h + b_hn)). With `reverse`, each sequence is processed from its last element to its
/// first. An empty sequence has no output and keeps its state. Source: Cho et al. (2014), in the form of cuDNN and
/// PyTorch.
template <class Scalar>
GruResult<Scalar> gru(Var<Scalar> x, const Segments& segments, const GruWeights<Scalar>& w, Var<Scalar> h0 = {},
                      bool reverse = false) {
  Tape<Scalar>& tape = tape_of("gru", x, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, h0);
  detail::check_recurrent("gru", 3, x, segments, w);
  if (h0) detail::check_shape("gru", "initial state", h0, {segments.count(), w.weight_hh.cols()});
  const Index H = w.weight_hh.cols(), tokens = segments.tokens(), count = segments.count();
  if (!h0) h0 = tape.constant_in_place(tape.zeros({count, H}));

  const kernels::TimeMajor order = detail::time_major(tape, segments, reverse);
  // The two results are views of one value, so that one backward function receives both gradients.
  const auto all = tape.allocate({tokens * H + count * H});
  const auto inputs = tape.allocate({tokens, x.cols()});  // time-major x
  kernels::GruArrays<Scalar> a;
  a.gates = tape.allocate({tokens, 4 * H});
  a.previous = tape.allocate({tokens, H});
  a.output = {all.data(), {tokens, H}};
  a.h0 = h0.value();
  a.h_n = {all.data() + tokens * H, {count, H}};
  a.keep = tape.recording();
  {
    Arena& scratch = tape.scratch();
    ArenaScope scope(scratch);
    Scalar* w_ih = scratch.array<Scalar>(3 * H * x.cols());
    Scalar* w_hh = scratch.array<Scalar>(3 * H * H);
    kernels::gru_pack_forward<Scalar>(w.weight_ih.value(), w_ih);
    kernels::gru_pack_forward<Scalar>(w.weight_hh.value(), w_hh);
    a.w_hh = w_hh;
    Scalar* bias = nullptr;
    if (w.bias_ih) {
      const auto b_ih = w.bias_ih.value(), b_hh = w.bias_hh.value();
      bias = scratch.array<Scalar>(3 * H);
      for (Index j = 0; j < 3 * H; ++j) bias[j] = j < 2 * H ? b_ih[j] + b_hh[j] : b_ih[j];
      a.b_hn = b_hh.data() + 2 * H;
    }
    tape.executor().run_ranges(tokens, detail::row_grain, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) std::copy_n(x.value().row(order.source[i]), x.cols(), inputs.row(i));
      kernels::gru_project<Scalar>(inputs.rows(begin, end), w_ih, bias, a.gates.rows(begin, end));
    });
    detail::run_with_scratch(tape, order.groups(), kernels::TimeMajor::group_size * H,
                             [&](Index group, Scalar* state) { kernels::gru_forward<Scalar>(order, group, a, state); });
  }

  const std::initializer_list<Var<Scalar>> given{x, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, h0};
  const Var<Scalar> root = record(tape, given, all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    Arena& scratch = t.scratch();
    ArenaScope scope(scratch);
    kernels::GruGradients<Scalar> d;
    d.d_output = {g.output().data(), {tokens, H}};
    d.d_h_n = {g.output().data() + tokens * H, {count, H}};
    d.d_gates = scratch.tensor<Scalar>({tokens, 4 * H});
    d.d_bias = scratch.tensor<Scalar>({order.groups(), 4 * H});
    d.d_h0 = g(h0);
    Scalar* w_hh = scratch.array<Scalar>(3 * H * H);
    kernels::gru_pack_backward<Scalar>(w.weight_hh.value(), w_hh);
    d.w_hh = w_hh;
    detail::run_with_scratch(t, order.groups(), kernels::TimeMajor::group_size * H, [&](Index group, Scalar* state) {
      kernels::gru_backward<Scalar>(order, group, a, d, state);
    });
    // The columns of d_gates are n, r, z for the input; the rows of weight_ih are r, z, n.
    if (const auto dx = g(x)) {
      const auto from = w.weight_ih.value();
      const auto w_ih = scratch.tensor<Scalar>({3 * H, x.cols()});
      kernels::copy_rows<Scalar>(from.rows(2 * H, 3 * H), w_ih.rows(0, H));
      kernels::copy_rows<Scalar>(from.rows(0, 2 * H), w_ih.rows(H, 3 * H));
      detail::add_input_gradient<Scalar>(t, order, d.d_gates.columns(0, 3 * H), w_ih, dx);
    }
    // The weights' gradients are summed over all tokens at once.
    if (const auto dw = g(w.weight_ih)) {
      detail::add_product_tn<Scalar>(t, d.d_gates.columns(H, 3 * H), inputs, dw.rows(0, 2 * H));
      detail::add_product_tn<Scalar>(t, d.d_gates.columns(0, H), inputs, dw.rows(2 * H, 3 * H));
    }
    if (const auto dw = g(w.weight_hh)) {
      detail::add_product_tn<Scalar>(t, d.d_gates.columns(H, 4 * H), a.previous, dw);
    }
    if (w.bias_ih) {
      const auto sums = scratch.tensor<Scalar>({4 * H});
      std::fill_n(sums.data(), 4 * H, Scalar(0));
      kernels::add_column_sums<Scalar>(d.d_bias, sums.data());
      const auto db_ih = g(w.bias_ih), db_hh = g(w.bias_hh);
      for (Index j = 0; j < 3 * H; ++j) {
        if (db_ih) db_ih[j] += sums[(j + H) % (3 * H)];
        if (db_hh) db_hh[j] += sums[j + H];
      }
    }
  });
  return {tape.alias(root, a.output), tape.alias(root, a.h_n)};
}

}  // namespace heed::inline HEED_ABI
