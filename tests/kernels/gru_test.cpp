// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/gru.hpp"

#include "heed/kernels/reference/gru.hpp"
#include "kernels/time_major_case.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

/// A layer over ragged sequences, with the kernel's and the reference's results.
template <class Scalar, class Isa>
struct Case : test::TimeMajorCase<Scalar> {
  using Base = test::TimeMajorCase<Scalar>;
  using Base::packed, Base::reverse, Base::segments, Base::time_major;
  static constexpr Index input = 5;
  Index H;
  Tensor<Scalar> x, w_ih, w_hh, b_ih, b_hh, h0;
  Tensor<Scalar> gates, previous, output, h_n;
  Tensor<Scalar> d_output, d_h_n, d_gates, d_bias, d_h0;

  Case(const std::vector<Index>& lengths, Index hidden_size, bool backwards)
      : Base(lengths, backwards), H(hidden_size) {
    const auto normal = [](const Shape& shape, const char* name, double deviation = 1) {
      return test::normal_as<Scalar>(shape, name, static_cast<Scalar>(deviation));
    };
    const Index tokens = segments.tokens(), count = segments.count();
    x = normal({tokens, input}, "x");
    w_ih = normal({3 * H, input}, "w_ih", 0.5);
    w_hh = normal({3 * H, H}, "w_hh", 0.3);
    b_ih = normal({3 * H}, "b_ih");
    b_hh = normal({3 * H}, "b_hh");
    h0 = normal({count, H}, "h0");
    d_output = normal({tokens, H}, "d_output");
    d_h_n = normal({count, H}, "d_h_n");
  }

  kernels::GruArrays<Scalar> arrays(bool keep) {
    return {.gates = gates.view(),
            .previous = previous.view(),
            .output = output.view(),
            .h0 = h0.view(),
            .h_n = h_n.view(),
            .b_hn = b_hh.data() + 2 * H,
            .keep = keep};
  }

  void forward(bool keep) {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const auto order = this->order();
    const Index tokens = segments.tokens();
    gates = Tensor<Scalar>::full({tokens, 4 * H}, nan);
    previous = output = Tensor<Scalar>::full({tokens, H}, nan);
    h_n = Tensor<Scalar>::full(h0.shape(), nan);
    const Tensor<Scalar> inputs = time_major(x);
    Tensor<Scalar> panels_ih(w_ih.shape()), panels_hh(w_hh.shape()), bias({3 * H});
    for (Index j = 0; j < 3 * H; ++j) bias(j) = j < 2 * H ? b_ih(j) + b_hh(j) : b_ih(j);
    kernels::gru_pack_forward<Scalar, Isa>(w_ih.view(), panels_ih.data());
    kernels::gru_pack_forward<Scalar, Isa>(w_hh.view(), panels_hh.data());
    kernels::gru_project<Scalar, Isa>(inputs.view(), panels_ih.data(), bias.data(), gates.view());
    auto a = arrays(keep);
    a.w_hh = panels_hh.data();
    for (Index group = 0; group < order.groups(); ++group) {
      Tensor<Scalar> state = Tensor<Scalar>::full({kernels::TimeMajor::group_size * H}, nan);
      kernels::gru_forward<Scalar, Isa>(order, group, a, state.data());
    }
  }

  void run() {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    forward(true);
    const auto order = this->order();
    d_gates = Tensor<Scalar>::full({segments.tokens(), 4 * H}, nan);
    d_bias = Tensor<Scalar>::full({order.groups(), 4 * H}, nan);
    d_h0 = Tensor<Scalar>::ones(h0.shape());
    Tensor<Scalar> panels(w_hh.shape());
    kernels::gru_pack_backward<Scalar, Isa>(w_hh.view(), panels.data());
    const kernels::GruGradients<Scalar> d{.d_output = d_output.view(),
                                          .d_h_n = d_h_n.view(),
                                          .d_gates = d_gates.view(),
                                          .d_bias = d_bias.view(),
                                          .d_h0 = d_h0.view(),
                                          .w_hh = panels.data()};
    for (Index group = 0; group < order.groups(); ++group) {
      Tensor<Scalar> state = Tensor<Scalar>::full({kernels::TimeMajor::group_size * H}, nan);
      kernels::gru_backward<Scalar, Isa>(order, group, arrays(true), d, state.data());
    }
    // Packed order from here on.
    gates = packed(gates);
    d_gates = packed(d_gates);
  }

  void check() {
    run();
    const auto wide_x = test::to_double(x), wide_ih = test::to_double(w_ih), wide_hh = test::to_double(w_hh);
    const auto wide_b_ih = test::to_double(b_ih), wide_b_hh = test::to_double(b_hh);
    const auto wide_h0 = test::to_double(h0), wide_d = test::to_double(d_output);
    auto h = wide_h0, dh = test::to_double(d_h_n);
    Tensor<double> want_output(output.shape()), want_gates(gates.shape()), want_d(gates.shape());
    for (Index s = 0; s < segments.count(); ++s) {
      const auto rows = [&](const auto& all) { return all.rows(segments.begin(s), segments.end(s)); };
      kernels::reference::gru(rows(wide_x.view()), wide_ih.view(), wide_hh.view(), wide_b_ih.data(), wide_b_hh.data(),
                              reverse, h.view().row(s), rows(want_output.view()), rows(want_gates.view()));
      kernels::reference::gru_backward(wide_hh.view(), reverse, rows(want_gates.view()), rows(want_output.view()),
                                       wide_h0.view().row(s), rows(wide_d.view()), dh.view().row(s),
                                       rows(want_d.view()));
    }
    dh.array() += 1.0;
    const double value = test::tolerance<Scalar>(1e-5, 1e-13), gradient = test::tolerance<Scalar>(5e-5, 1e-13);
    test::check_close(output, want_output, value);
    test::check_close(gates, want_gates, value);
    test::check_close(h_n, h, value);
    test::check_close(d_gates, want_d, gradient);
    test::check_close(d_h0, dh, gradient);
    test::check_bias_sums(d_bias, want_d, gradient);
    const Tensor<Scalar> kept_output = output, kept_h_n = h_n;
    forward(false);
    test::check_close(output, kept_output, 0);
    test::check_close(h_n, kept_h_n, 0);
  }
};

TEST_CASE("the GRU and its gradients match the reference over ragged sequences") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](const std::vector<Index>& lengths, Index hidden) {
      for (const bool reverse : {false, true}) {
        INFO(lengths.size() << " sequences, hidden size " << hidden << (reverse ? ", reverse" : ""));
        Case<Scalar, Isa>(lengths, hidden, reverse).check();
      }
    };
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) with({2, 0, 3, 1, 3}, size);
    with({}, 2);
    with({0, 0}, 2);
    with(test::many_lengths(67), 3);
  });
}

TEST_CASE("the GRU of a sequence does not depend on the other sequences") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using C = Case<Scalar, Isa>;
    for (const bool reverse : {false, true}) {
      test::check_alone<C, Scalar>([&](const std::vector<Index>& lengths) { return C(lengths, 19, reverse); },
                                   {{&C::x, &C::d_output}, {&C::output, &C::d_gates}},
                                   {{&C::h0, &C::d_h_n}, {&C::h_n, &C::d_h0}});
    }
  });
}

}  // namespace HEED_TEST_UNIT
