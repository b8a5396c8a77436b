// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/lstm.hpp"

#include "heed/kernels/reference/lstm.hpp"
#include "kernels/time_major_case.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

/// A layer over ragged sequences, with the kernel's and the reference's results.
template <class Scalar, class Isa>
struct Case : test::TimeMajorCase<Scalar> {
  using Base = test::TimeMajorCase<Scalar>;
  using Base::packed, Base::reverse, Base::segments, Base::time_major;
  Index H, R;
  bool projected;
  Tensor<Scalar> z, w_hh, w_hr, h0, c0;  // z: the input's contribution to the gates, packed
  Tensor<Scalar> gates, cells, previous, unprojected, output, h_n, c_n;
  Tensor<Scalar> d_output, d_h_n, d_c_n, d_hidden, d_gates, d_bias, d_h0, d_c0;

  Case(const std::vector<Index>& lengths, Index hidden_size, Index output_size, bool backwards)
      : Base(lengths, backwards),
        H(hidden_size),
        R(output_size > 0 ? output_size : hidden_size),
        projected(output_size > 0) {
    const auto normal = [](const Shape& shape, const char* name) { return test::normal_as<Scalar>(shape, name); };
    const Index tokens = segments.tokens(), count = segments.count();
    z = normal({tokens, 4 * H}, "z");
    w_hh = normal({4 * H, R}, "w_hh");
    w_hh.array() *= Scalar(0.3);
    w_hr = normal({R, H}, "w_hr");
    w_hr.array() *= Scalar(0.3);
    h0 = normal({count, R}, "h0");
    c0 = normal({count, H}, "c0");
    d_output = normal({tokens, R}, "d_output");
    d_h_n = normal({count, R}, "d_h_n");
    d_c_n = normal({count, H}, "d_c_n");
  }

  /// Returns the gates in the order of the kernels.
  Tensor<Scalar> in_blocks(const Tensor<Scalar>& in) const {
    Tensor<Scalar> out(in.shape());
    kernels::for_each_gate_run<Scalar, Isa>(H, [&](Index from, Index to, Index n) {
      kernels::copy_rows<Scalar>(in.view().columns(from, from + n), out.view().columns(to, to + n));
    });
    return out;
  }
  Tensor<Scalar> in_weights_order(const Tensor<Scalar>& in) const {
    Tensor<Scalar> out(in.shape());
    kernels::for_each_gate_run<Scalar, Isa>(H, [&](Index from, Index to, Index n) {
      kernels::copy_rows<Scalar>(in.view().columns(to, to + n), out.view().columns(from, from + n));
    });
    return out;
  }

  void forward(bool keep) {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const auto order = this->order();
    const Index tokens = segments.tokens();
    gates = in_blocks(time_major(z));
    cells = unprojected = Tensor<Scalar>::full({tokens, H}, nan);
    previous = output = Tensor<Scalar>::full({tokens, R}, nan);
    h_n = Tensor<Scalar>::full(h0.shape(), nan);
    c_n = Tensor<Scalar>::full(c0.shape(), nan);
    Tensor<Scalar> panels(w_hh.shape()), w_hr_t({H, R});
    kernels::lstm_pack_forward<Scalar, Isa>(w_hh.view(), panels.data());
    kernels::LstmArrays<Scalar> a = arrays();
    if (!keep) a.cells = {};
    a.w_hh = panels.data();
    if (projected) {
      kernels::transpose<Scalar>(w_hr.view(), w_hr_t.view());
      a.w_hr_t = w_hr_t.view();
    }
    for (Index group = 0; group < order.groups(); ++group) {
      Tensor<Scalar> state = Tensor<Scalar>::full({kernels::TimeMajor::group_size * (R + H)}, nan);
      kernels::lstm_forward<Scalar, Isa>(order, group, a, state.data());
    }
  }
  kernels::LstmArrays<Scalar> arrays() {
    kernels::LstmArrays<Scalar> a;
    a.gates = gates.view();
    a.cells = cells.view();
    a.previous = previous.view();
    if (projected) a.unprojected = unprojected.view();
    a.output = output.view();
    a.h0 = h0.view();
    a.c0 = c0.view();
    a.h_n = h_n.view();
    a.c_n = c_n.view();
    return a;
  }

  void run() {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    forward(true);
    const auto order = this->order();
    const Index tokens = segments.tokens();
    d_hidden = Tensor<Scalar>::full({tokens, R}, nan);
    d_gates = Tensor<Scalar>::full({tokens, 4 * H}, nan);
    d_bias = Tensor<Scalar>::full({order.groups(), 4 * H}, nan);
    d_h0 = Tensor<Scalar>::ones(h0.shape());
    d_c0 = Tensor<Scalar>::ones(c0.shape());
    Tensor<Scalar> panels(w_hh.shape());
    kernels::lstm_pack_backward<Scalar, Isa>(w_hh.view(), panels.data());
    kernels::LstmGradients<Scalar> d;
    d.d_output = d_output.view();
    d.d_h_n = d_h_n.view();
    d.d_c_n = d_c_n.view();
    d.d_gates = d_gates.view();
    d.d_bias = d_bias.view();
    d.d_h0 = d_h0.view();
    d.d_c0 = d_c0.view();
    d.w_hh = panels.data();
    if (projected) {
      d.d_hidden = d_hidden.view();
      d.w_hr = w_hr.view();
    }
    for (Index group = 0; group < order.groups(); ++group) {
      Tensor<Scalar> state = Tensor<Scalar>::full({kernels::TimeMajor::group_size * (R + 2 * H)}, nan);
      kernels::lstm_backward<Scalar, Isa>(order, group, arrays(), d, state.data());
    }
    // Packed order from here on, with gates in the order of the weights.
    gates = in_weights_order(packed(gates));
    cells = packed(cells);
    d_gates = in_weights_order(packed(d_gates));
    d_bias = in_weights_order(d_bias);
  }

  void check() {
    run();
    const auto wide_z = test::to_double(z), wide_w = test::to_double(w_hh), wide_hr = test::to_double(w_hr);
    const auto wide_c0 = test::to_double(c0), wide_d = test::to_double(d_output);
    Tensor<double> identity({4 * H, 4 * H});  // W_ih: z is the input
    for (Index j = 0; j < 4 * H; ++j) identity(j, j) = 1;
    auto h = test::to_double(h0), c = wide_c0, dh = test::to_double(d_h_n), dc = test::to_double(d_c_n);
    Tensor<double> want_output(output.shape()), want_gates(gates.shape()), want_cells(cells.shape());
    Tensor<double> want_dz(gates.shape());
    const TensorView<const double> hr = projected ? wide_hr.view() : TensorView<const double>();
    for (Index s = 0; s < segments.count(); ++s) {
      const auto rows = [&](Tensor<double>& x) { return x.view().rows(segments.begin(s), segments.end(s)); };
      const auto part = [&](const Tensor<double>& x) { return x.view().rows(segments.begin(s), segments.end(s)); };
      kernels::reference::lstm(part(wide_z), identity.view(), wide_w.view(), nullptr, hr, reverse, h.view().row(s),
                               c.view().row(s), rows(want_output), rows(want_gates), rows(want_cells));
      kernels::reference::lstm_backward(wide_w.view(), hr, reverse, rows(want_gates), rows(want_cells),
                                        wide_c0.view().row(s), part(wide_d), dh.view().row(s), dc.view().row(s),
                                        rows(want_dz));
    }
    dh.array() += 1.0;
    dc.array() += 1.0;
    const double value = test::tolerance<Scalar>(1e-5, 1e-13), gradient = test::tolerance<Scalar>(5e-5, 1e-13);
    test::check_close(output, want_output, value);
    test::check_close(gates, want_gates, value);
    test::check_close(cells, want_cells, value);
    test::check_close(h_n, h, value);
    test::check_close(c_n, c, value);
    test::check_close(d_gates, want_dz, gradient);
    test::check_bias_sums(d_bias, want_dz, gradient);
    const Tensor<Scalar> kept_output = output, kept_h_n = h_n, kept_c_n = c_n;
    forward(false);
    test::check_close(output, kept_output, 0);
    test::check_close(h_n, kept_h_n, 0);
    test::check_close(c_n, kept_c_n, 0);
    test::check_close(d_h0, dh, gradient);
    test::check_close(d_c0, dc, gradient);
  }
};

TEST_CASE("the LSTM and its gradients match the reference over ragged sequences") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](const std::vector<Index>& lengths, Index hidden, Index output) {
      for (const bool reverse : {false, true}) {
        INFO(lengths.size() << " sequences, hidden size " << hidden << ", projected to " << output
                            << (reverse ? ", reverse" : ""));
        Case<Scalar, Isa>(lengths, hidden, output, reverse).check();
      }
    };
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      with({2, 0, 3, 1, 3}, size, 0);
      if (size > 0) with({2, 0, 3}, 3, size);
    }
    with({}, 2, 0);
    with({0, 0}, 2, 0);
    const std::vector<Index> many = test::many_lengths(67);
    with(many, 3, 0);
    with(many, 3, 2);
  });
}

TEST_CASE("the LSTM of a sequence does not depend on the other sequences") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using C = Case<Scalar, Isa>;
    for (const Index output : {Index{0}, Index{5}}) {
      for (const bool reverse : {false, true}) {
        test::check_alone<C, Scalar>([&](const std::vector<Index>& lengths) { return C(lengths, 19, output, reverse); },
                                     {{&C::z, &C::d_output}, {&C::output, &C::d_gates}},
                                     {{&C::h0, &C::c0, &C::d_h_n, &C::d_c_n}, {&C::h_n, &C::c_n, &C::d_h0, &C::d_c0}});
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
