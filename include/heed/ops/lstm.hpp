// SPDX-License-Identifier: Apache-2.0
// One LSTM layer in one direction over ragged sequences, as one operation.
#pragma once

#include <array>

#include "heed/autograd/tape.hpp"
#include "heed/kernels/lstm.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/ops/detail/product.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct lstm {
  static constexpr const char* name = "lstm";
};
}  // namespace op

/// Weights under PyTorch's names and shapes, gates in rows i, f, g, o; hidden size H, output size R.
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
  Var<Scalar> h_n;     ///< [sequences, R]: after each sequence's own last step; the initial state for an empty one
  Var<Scalar> c_n;     ///< [sequences, H]
};

namespace detail {

template <class Scalar>
void check_lstm(Var<Scalar> x, const Segments& segments, const LstmWeights<Scalar>& w, Var<Scalar> h0, Var<Scalar> c0) {
  const auto wanted = [](const char* what, const Shape& want, Var<Scalar> got) {
    if (got.shape() == want) return;
    fail<ShapeError>("lstm", message(what, " is ", to_string(got.shape()), ", wanted ", to_string(want)));
  };
  const Index gates = w.weight_ih.shape().rank() == 2 ? w.weight_ih.rows() : -1;
  if (gates < 0 || gates % 4 != 0) {
    fail<ShapeError>("lstm", message("weight_ih is ", to_string(w.weight_ih.shape()), ", wanted [4 hidden, input]"));
  }
  const Index H = gates / 4, R = w.weight_hr ? w.weight_hr.rows() : H;
  if (x.shape().rank() != 2 || x.cols() != w.weight_ih.cols() || x.rows() != segments.tokens()) {
    fail<ShapeError>("lstm", message("input is ", to_string(x.shape()), ", wanted [", segments.tokens(), " tokens, ",
                                     w.weight_ih.cols(), " features]"));
  }
  wanted("weight_hh", {gates, R}, w.weight_hh);
  if (w.weight_hr) wanted("weight_hr", {R, H}, w.weight_hr);
  if (static_cast<bool>(w.bias_ih) != static_cast<bool>(w.bias_hh)) {
    fail<ShapeError>("lstm", "one bias without the other");
  }
  if (w.bias_ih) {
    wanted("bias_ih", {gates}, w.bias_ih);
    wanted("bias_hh", {gates}, w.bias_hh);
  }
  if (h0) wanted("initial hidden state", {segments.count(), R}, h0);
  if (c0) wanted("initial cell state", {segments.count(), H}, c0);
}

/// out[i] = rows[source[i]], or from `first` row -1 - source[i] where that is negative.
template <class Scalar>
void gather_rows(TensorView<const Scalar> rows, TensorView<const Scalar> first, const Index* source,
                 TensorView<Scalar> out) {
  for (Index i = 0; i < out.rows(); ++i) {
    std::copy_n(source[i] >= 0 ? rows.row(source[i]) : first.row(-1 - source[i]), out.cols(), out.row(i));
  }
}

}  // namespace detail

/// x [tokens, input]; h0 [sequences, R] and c0 [sequences, H], zero when empty. `reverse` runs each sequence from its
/// own last element to its first. Length 0 gives no output and leaves the state as it was.
/// Source: Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000); projection: Sak et al. (2014).
template <class Scalar>
LstmResult<Scalar> lstm(Var<Scalar> x, const Segments& segments, const LstmWeights<Scalar>& w, Var<Scalar> h0 = {},
                        Var<Scalar> c0 = {}, bool reverse = false) {
  const auto or_x = [&](Var<Scalar> given) { return given ? given : x; };
  Tape<Scalar>& tape = tape_of("lstm", x, w.weight_ih, w.weight_hh, or_x(w.bias_ih), or_x(w.bias_hh), or_x(w.weight_hr),
                               or_x(h0), or_x(c0));
  detail::check_lstm(x, segments, w, h0, c0);
  const Index gates = w.weight_ih.rows(), H = gates / 4, R = w.weight_hr ? w.weight_hr.rows() : H;
  const Index tokens = segments.tokens(), count = segments.count();
  if (!h0) h0 = tape.constant_in_place(tape.zeros({count, R}));
  if (!c0) c0 = tape.constant_in_place(tape.zeros({count, H}));

  kernels::TimeMajor order{.segments = tape.keep(segments), .reverse = reverse};
  order.source = tape.template room<Index>(tokens);
  order.previous = tape.template room<Index>(tokens);
  order.first = tape.template room<Index>(order.groups() + 1);
  order.arrange();

  // The three results share one value, so that one backward function sees all their cotangents.
  const auto all = tape.allocate({tokens * R + count * R + count * H});
  const TensorView<Scalar> output(all.data(), {tokens, R});
  kernels::LstmArrays<Scalar> a;
  a.gates = tape.allocate({tokens, gates});
  a.cells = tape.allocate({tokens, H});
  a.h0 = h0.value();
  a.c0 = c0.value();
  a.h_n = {output.data() + tokens * R, {count, R}};
  a.c_n = {a.h_n.data() + count * R, {count, H}};
  if (w.weight_hr) a.unprojected = tape.allocate({tokens, H});
  {
    Arena& scratch = tape.scratch();
    ArenaScope scope(scratch);
    a.hidden = scratch.tensor<Scalar>({tokens, R});
    const auto inputs = scratch.tensor<Scalar>({tokens, x.cols()});
    detail::gather_rows<Scalar>(x.value(), {}, order.source, inputs);
    const auto bias = scratch.tensor<Scalar>({gates});
    for (Index j = 0; j < gates; ++j) bias[j] = w.bias_ih ? w.bias_ih.value()[j] + w.bias_hh.value()[j] : Scalar(0);
    detail::product_nt<Scalar>(tape, inputs, w.weight_ih.value(), a.gates, {.bias = bias.data()});
    const auto w_hh_t = scratch.tensor<Scalar>({R, gates});
    kernels::transpose<Scalar>(w.weight_hh.value(), w_hh_t);
    a.w_hh_t = w_hh_t;
    if (w.weight_hr) {
      const auto w_hr_t = scratch.tensor<Scalar>({H, R});
      kernels::transpose<Scalar>(w.weight_hr.value(), w_hr_t);
      a.w_hr_t = w_hr_t;
    }
    const Index room = kernels::TimeMajor::group_size * (R + H);
    Scalar* state = scratch.array<Scalar>(room * tape.executor().threads());
    tape.executor().run(order.groups(), [&](Index group, int worker) {
      kernels::lstm_forward<Scalar>(order, group, a, state + worker * room);
    });
    for (Index i = 0; i < tokens; ++i) std::copy_n(a.hidden.row(i), R, output.row(order.source[i]));
  }

  // Weights that are not given stand in as x: recording wants handles.
  const std::array<Var<Scalar>, 8> inputs{
      x, w.weight_ih, w.weight_hh, or_x(w.bias_ih), or_x(w.bias_hh), or_x(w.weight_hr), h0, c0};
  const Var<Scalar> root = tape.record(inputs, all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    Arena& scratch = t.scratch();
    ArenaScope scope(scratch);
    const Scalar* d_all = g.output().data();
    auto arrays = a;
    arrays.hidden = {output.data(), {tokens, R}};  // only its width is read
    kernels::LstmGradients<Scalar> d;
    d.d_hidden = scratch.tensor<Scalar>({tokens, R});
    detail::gather_rows<Scalar>({d_all, {tokens, R}}, {}, order.source, d.d_hidden);
    d.d_h_n = {d_all + tokens * R, {count, R}};
    d.d_c_n = {d_all + tokens * R + count * R, {count, H}};
    d.d_gates = scratch.tensor<Scalar>({tokens, gates});
    d.d_h0 = g(h0);
    d.d_c0 = g(c0);
    d.w_hh = w.weight_hh.value();
    if (w.weight_hr) d.w_hr = w.weight_hr.value();
    const Index room = kernels::TimeMajor::group_size * (R + 2 * H);
    Scalar* state = scratch.array<Scalar>(room * t.executor().threads());
    t.executor().run(order.groups(), [&](Index group, int worker) {
      kernels::lstm_backward<Scalar>(order, group, arrays, d, state + worker * room);
    });
    // The weights' gradients sum over all tokens at once.
    if (const auto dx = g(x)) {
      const auto d_inputs = scratch.tensor<Scalar>({tokens, x.cols()});
      detail::product<Scalar>(t, d.d_gates, w.weight_ih.value(), d_inputs);
      for (Index i = 0; i < tokens; ++i) {
        Scalar* to = dx.row(order.source[i]);
        for (Index j = 0; j < x.cols(); ++j) to[j] += d_inputs(i, j);
      }
    }
    if (const auto dw = g(w.weight_ih)) {
      const auto rows = scratch.tensor<Scalar>({tokens, x.cols()});
      detail::gather_rows<Scalar>(x.value(), {}, order.source, rows);
      detail::product_tn<Scalar>(t, d.d_gates, rows, dw, {.accumulate = true});
    }
    if (const auto dw = g(w.weight_hh)) {
      const auto rows = scratch.tensor<Scalar>({tokens, R});
      detail::gather_rows<Scalar>(output, h0.value(), order.previous, rows);
      detail::product_tn<Scalar>(t, d.d_gates, rows, dw, {.accumulate = true});
    }
    if (w.bias_ih) {
      if (const auto db = g(w.bias_ih)) kernels::add_column_sums<Scalar>(d.d_gates, db.data());
      if (const auto db = g(w.bias_hh)) kernels::add_column_sums<Scalar>(d.d_gates, db.data());
    }
    if (w.weight_hr) {
      if (const auto dw = g(w.weight_hr)) {
        detail::product_tn<Scalar>(t, d.d_hidden, a.unprojected, dw, {.accumulate = true});
      }
    }
  });
  return {tape.alias(root, output), tape.alias(root, a.h_n), tape.alias(root, a.c_n)};
}

}  // namespace heed::inline HEED_ABI
