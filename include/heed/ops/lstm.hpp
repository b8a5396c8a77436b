// SPDX-License-Identifier: Apache-2.0
// One LSTM layer in one direction over ragged sequences, as one operation.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/lstm.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/detail/collide.hpp"
#include "heed/ops/detail/recurrent.hpp"

namespace heed::inline HEED_ABI {

/// Weights with PyTorch's names and shapes, the gates in row order i, f, g, o. H is the hidden size, R the output size.
template <class Scalar>
struct LstmWeights {
  Var<Scalar> weight_ih;             ///< [4H, input]
  Var<Scalar> weight_hh;             ///< [4H, R]
  Var<Scalar> bias_ih{}, bias_hh{};  ///< [4H], or both empty
  Var<Scalar> weight_hr{};           ///< [R, H], or empty: R = H
};

template <class Scalar>
struct LstmResult {
  Var<Scalar> output;  ///< [tokens, R]
  Var<Scalar> h_n;     ///< [sequences, R]: state after each sequence's last step; the initial state if it is empty
  Var<Scalar> c_n;     ///< [sequences, H]
};

/// x [tokens, input]; h0 [sequences, R] and c0 [sequences, H], zero when empty. With `reverse`, each sequence is
/// processed from its last element to its first. An empty sequence has no output and keeps its state.
/// Source: Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000); projection: Sak et al. (2014).
template <class Scalar>
LstmResult<Scalar> lstm(Var<Scalar> x, const Segments& segments, const LstmWeights<Scalar>& w, Var<Scalar> h0 = {},
                        Var<Scalar> c0 = {}, bool reverse = false) {
  Tape<Scalar>& tape = tape_of("lstm", x, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, w.weight_hr, h0, c0);
  detail::check_recurrent("lstm", 4, x, segments, w, w.weight_hr);
  const Index gates = w.weight_ih.rows(), H = gates / 4, R = w.weight_hr ? w.weight_hr.rows() : H;
  const Index tokens = segments.tokens(), count = segments.count();
  if (h0) detail::check_shape("lstm", "initial hidden state", h0, {count, R});
  if (c0) detail::check_shape("lstm", "initial cell state", c0, {count, H});
  if (!h0) h0 = tape.constant_in_place(tape.zeros({count, R}));
  if (!c0) c0 = tape.constant_in_place(tape.zeros({count, H}));

  const kernels::TimeMajor order = detail::time_major(tape, segments, reverse);
  // The three results are views of one value, so that one backward function receives all their gradients.
  const auto all = tape.allocate({tokens * R + count * R + count * H});
  const auto inputs = tape.allocate({tokens, x.cols()});  // time-major x
  kernels::LstmArrays<Scalar> a;
  // Each row of gates is one cache line longer than needed: with a stride of 2^n, tiles would map to few cache sets.
  const Index gates_apart = gates + static_cast<Index>(64 / sizeof(Scalar));
  a.gates = tape.allocate({tokens, gates_apart}).columns(0, gates);
  if (tape.recording()) a.cells = tape.allocate({tokens, H});
  a.previous = tape.allocate({tokens, R});
  if (w.weight_hr) a.unprojected = tape.allocate({tokens, H});
  a.output = {all.data(), {tokens, R}};
  a.h0 = h0.value();
  a.c0 = c0.value();
  a.h_n = {all.data() + tokens * R, {count, R}};
  a.c_n = {a.h_n.data() + count * R, {count, H}};
  {
    Arena& scratch = tape.scratch();
    ArenaScope scope(scratch);
    Scalar* w_ih = scratch.array<Scalar>(gates * x.cols());
    kernels::lstm_pack_forward<Scalar>(w.weight_ih.value(), w_ih);
    const auto bias = scratch.tensor<Scalar>({gates});
    kernels::for_each_gate_run<Scalar>(H, [&](Index from, Index to, Index n) {
      for (Index j = 0; j < n; ++j) {
        bias[to + j] = w.bias_ih ? w.bias_ih.value()[from + j] + w.bias_hh.value()[from + j] : Scalar(0);
      }
    });
    tape.executor().run_ranges(tokens, detail::row_grain, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) std::copy_n(x.value().row(order.source[i]), x.cols(), inputs.row(i));
      kernels::lstm_project<Scalar>(inputs.rows(begin, end), w_ih, bias.data(), a.gates.rows(begin, end));
    });
    Scalar* w_hh = scratch.array<Scalar>(gates * R);
    kernels::lstm_pack_forward<Scalar>(w.weight_hh.value(), w_hh);
    a.w_hh = w_hh;
    if (w.weight_hr) {
      const auto w_hr_t = scratch.tensor<Scalar>({H, R});
      kernels::transpose<Scalar>(w.weight_hr.value(), w_hr_t);
      a.w_hr_t = w_hr_t;
    }
    detail::run_with_scratch(
        tape, order.groups(), kernels::TimeMajor::group_size * (R + H),
        [&](Index group, Scalar* state) { kernels::lstm_forward<Scalar>(order, group, a, state); });
  }

  const std::initializer_list<Var<Scalar>> given{x,         w.weight_ih, w.weight_hh, w.bias_ih,
                                                 w.bias_hh, w.weight_hr, h0,          c0};
  const Var<Scalar> root = record(tape, given, all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    Arena& scratch = t.scratch();
    ArenaScope scope(scratch);
    const Scalar* d_all = g.output().data();
    kernels::LstmGradients<Scalar> d;
    d.d_output = {d_all, {tokens, R}};
    d.d_h_n = {d_all + tokens * R, {count, R}};
    d.d_c_n = {d_all + tokens * R + count * R, {count, H}};
    d.d_gates = scratch.tensor<Scalar>({tokens, gates_apart}).columns(0, gates);
    d.d_bias = scratch.tensor<Scalar>({order.groups(), gates});
    d.d_h0 = g(h0);
    d.d_c0 = g(c0);
    Scalar* w_hh = scratch.array<Scalar>(gates * R);
    kernels::lstm_pack_backward<Scalar>(w.weight_hh.value(), w_hh);
    d.w_hh = w_hh;
    if (w.weight_hr) {
      d.d_hidden = scratch.tensor<Scalar>({tokens, R});
      d.w_hr = w.weight_hr.value();
    }
    detail::run_with_scratch(
        t, order.groups(), kernels::TimeMajor::group_size * (R + 2 * H),
        [&](Index group, Scalar* state) { kernels::lstm_backward<Scalar>(order, group, a, d, state); },
        detail::collide<Scalar>(d.d_h0, order.segments, d.d_c0, order.segments));
    if (const auto dx = g(x)) {
      const auto w_ih = scratch.tensor<Scalar>({gates, x.cols()});
      kernels::for_each_gate_run<Scalar>(H, [&](Index from, Index to, Index n) {
        kernels::copy_rows<Scalar>(w.weight_ih.value().rows(from, from + n), w_ih.rows(to, to + n));
      });
      detail::add_input_gradient<Scalar>(t, order, d.d_gates, w_ih, dx);
    }
    // The weights' gradients are summed over all tokens at once.
    const auto add_weight_gradient = [&](TensorView<const Scalar> rows, TensorView<Scalar> dw) {
      const auto blocks = scratch.tensor<Scalar>(dw.shape());
      std::fill_n(blocks.data(), blocks.size(), Scalar(0));
      detail::add_product_tn<Scalar>(t, d.d_gates, rows, blocks);
      kernels::for_each_gate_run<Scalar>(H, [&](Index from, Index to, Index n) {
        kernels::add_rows<Scalar>(blocks.rows(to, to + n), dw.rows(from, from + n));
      });
    };
    if (const auto dw = g(w.weight_ih)) add_weight_gradient(inputs, dw);
    if (const auto dw = g(w.weight_hh)) add_weight_gradient(a.previous, dw);
    if (w.bias_ih) {
      const auto sums = scratch.tensor<Scalar>({gates});
      std::fill_n(sums.data(), gates, Scalar(0));
      kernels::add_column_sums<Scalar>(d.d_bias, sums.data());
      for (const auto& db : {g(w.bias_ih), g(w.bias_hh)}) {
        if (!db) continue;
        kernels::for_each_gate_run<Scalar>(H, [&](Index from, Index to, Index n) {
          for (Index j = 0; j < n; ++j) db[from + j] += sums[to + j];
        });
      }
    }
    if (const auto dw = g(w.weight_hr)) detail::add_product_tn<Scalar>(t, d.d_hidden, a.unprojected, dw);
  });
  return {tape.alias(root, a.output), tape.alias(root, a.h_n), tape.alias(root, a.c_n)};
}

}  // namespace heed::inline HEED_ABI
