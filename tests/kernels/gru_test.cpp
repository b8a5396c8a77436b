// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/gru.hpp"

#include <cstring>

#include "heed/kernels/reference/gru.hpp"
#include "kernels/every_isa.hpp"

namespace {

using namespace heed;

/// A layer over ragged sequences, what the kernels make of it, and what the reference does.
template <class Scalar, class Isa>
struct Case {
  static constexpr Index input = 5;
  Index H;
  bool reverse;
  Segments segments;
  std::vector<Index> source, first;
  Tensor<Scalar> x, w_ih, w_hh, b_ih, b_hh, h0;
  Tensor<Scalar> gates, previous, output, h_n;
  Tensor<Scalar> d_output, d_h_n, d_gates, d_bias, d_h0;

  Case(const std::vector<Index>& lengths, Index hidden_size, bool backwards)
      : H(hidden_size), reverse(backwards), segments(std::span<const Index>(lengths)) {
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

  kernels::TimeMajor order() {
    source.assign(static_cast<std::size_t>(segments.tokens()), -1);
    kernels::TimeMajor out{.segments = segments.view(), .reverse = reverse};
    first.assign(static_cast<std::size_t>(out.groups() + 1), -1);
    out.source = source.data();
    out.first = first.data();
    out.arrange();
    return out;
  }
  Tensor<Scalar> packed(const Tensor<Scalar>& time_major) const {
    Tensor<Scalar> out(time_major.shape());
    for (Index i = 0; i < out.rows(); ++i) {
      std::copy_n(time_major.view().row(i), out.cols(), out.view().row(source[static_cast<std::size_t>(i)]));
    }
    return out;
  }
  kernels::GruArrays<Scalar> arrays(bool keep) {
    kernels::GruArrays<Scalar> a;
    a.gates = gates.view();
    a.previous = previous.view();
    a.output = output.view();
    a.h0 = h0.view();
    a.h_n = h_n.view();
    a.b_hn = b_hh.data() + 2 * H;
    a.keep = keep;
    return a;
  }

  void forward(bool keep) {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const auto order = this->order();
    const Index tokens = segments.tokens();
    gates = Tensor<Scalar>::full({tokens, 4 * H}, nan);
    previous = output = Tensor<Scalar>::full({tokens, H}, nan);
    h_n = Tensor<Scalar>::full(h0.shape(), nan);
    Tensor<Scalar> inputs(x.shape()), panels_ih(w_ih.shape()), panels_hh(w_hh.shape()), bias({3 * H});
    for (Index i = 0; i < tokens; ++i) {
      std::copy_n(x.view().row(source[static_cast<std::size_t>(i)]), input, inputs.view().row(i));
    }
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
    kernels::GruGradients<Scalar> d;
    d.d_output = d_output.view();
    d.d_h_n = d_h_n.view();
    d.d_gates = d_gates.view();
    d.d_bias = d_bias.view();
    d.d_h0 = d_h0.view();
    d.w_hh = panels.data();
    for (Index group = 0; group < order.groups(); ++group) {
      Tensor<Scalar> state = Tensor<Scalar>::full({kernels::TimeMajor::group_size * H}, nan);
      kernels::gru_backward<Scalar, Isa>(order, group, arrays(true), d, state.data());
    }
    // From here on in packed order.
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
    Tensor<double> sums({1, 4 * H}), want_sums({1, 4 * H});
    for (Index j = 0; j < 4 * H; ++j) {
      for (Index i = 0; i < d_bias.rows(); ++i) sums(0, j) += static_cast<double>(d_bias(i, j));
      for (Index i = 0; i < want_d.rows(); ++i) want_sums(0, j) += want_d(i, j);
    }
    test::check_close(sums, want_sums, gradient);
    const Tensor<Scalar> kept_output = output, kept_h_n = h_n;
    forward(false);
    test::check_close(output, kept_output, 0);
    test::check_close(h_n, kept_h_n, 0);
  }
};

}  // namespace

TEST_CASE("the GRU and its gradients are the reference's over ragged sequences") {
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
    std::vector<Index> many;  // three groups
    for (Index i = 0; i < 67; ++i) many.push_back((i * 7) % 5);
    with(many, 3);
  });
}

TEST_CASE("a sequence's GRU does not depend on the sequences beside it") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    std::vector<Index> lengths;
    for (Index i = 0; i < 40; ++i) lengths.push_back((i * 7) % 5);
    for (const bool reverse : {false, true}) {
      Case<Scalar, Isa> whole(lengths, 19, reverse);
      whole.run();
      for (const Index s : {0, 1, 17, 39}) {
        INFO("sequence " << s);
        Case<Scalar, Isa> alone({lengths[static_cast<std::size_t>(s)]}, 19, reverse);
        const Index begin = whole.segments.begin(s), end = whole.segments.end(s);
        alone.x = Tensor<Scalar>(whole.x.view().rows(begin, end));
        alone.h0 = Tensor<Scalar>(whole.h0.view().rows(s, s + 1));
        alone.d_output = Tensor<Scalar>(whole.d_output.view().rows(begin, end));
        alone.d_h_n = Tensor<Scalar>(whole.d_h_n.view().rows(s, s + 1));
        alone.run();
        const auto same = [](const Tensor<Scalar>& a, const Tensor<Scalar>& b, Index from) {
          return a.size() == 0 ||
                 std::memcmp(a.data(), b.view().row(from), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
        };
        CHECK(same(alone.output, whole.output, begin));
        CHECK(same(alone.h_n, whole.h_n, s));
        CHECK(same(alone.d_gates, whole.d_gates, begin));
        CHECK(same(alone.d_h0, whole.d_h0, s));
      }
    }
  });
}
