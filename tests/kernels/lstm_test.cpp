// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/lstm.hpp"

#include <cstring>

#include "heed/kernels/reference/lstm.hpp"
#include "kernels/every_isa.hpp"

namespace {

using namespace heed;

/// A layer over ragged sequences, what the kernels make of it, and what the reference does.
template <class Scalar, class Isa>
struct Case {
  Index H, R;
  bool projected, reverse;
  Segments segments;
  std::vector<Index> source, previous, first;
  Tensor<Scalar> z, w_hh, w_hr, h0, c0;  // z: the input's share of the gates, packed
  Tensor<Scalar> gates, cells, hidden, unprojected, h_n, c_n;
  Tensor<Scalar> d_output, d_h_n, d_c_n, d_hidden, d_gates, d_h0, d_c0;

  Case(const std::vector<Index>& lengths, Index hidden_size, Index output_size, bool backwards)
      : H(hidden_size),
        R(output_size > 0 ? output_size : hidden_size),
        projected(output_size > 0),
        reverse(backwards),
        segments(std::span<const Index>(lengths)) {
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

  kernels::TimeMajor order() {
    source.assign(static_cast<std::size_t>(segments.tokens()), -1);
    previous = source;
    kernels::TimeMajor out{.segments = segments.view(), .reverse = reverse};
    first.assign(static_cast<std::size_t>(out.groups() + 1), -1);
    out.source = source.data();
    out.previous = previous.data();
    out.first = first.data();
    out.arrange();
    return out;
  }
  Tensor<Scalar> time_major(const Tensor<Scalar>& packed) const {
    Tensor<Scalar> out(packed.shape());
    for (Index i = 0; i < out.rows(); ++i) {
      std::copy_n(packed.view().row(source[static_cast<std::size_t>(i)]), out.cols(), out.view().row(i));
    }
    return out;
  }
  Tensor<Scalar> packed(const Tensor<Scalar>& time_major) const {
    Tensor<Scalar> out(time_major.shape());
    for (Index i = 0; i < out.rows(); ++i) {
      std::copy_n(time_major.view().row(i), out.cols(), out.view().row(source[static_cast<std::size_t>(i)]));
    }
    return out;
  }

  void run() {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const auto order = this->order();
    const auto transposed = [](const Tensor<Scalar>& x) {
      Tensor<Scalar> out({x.cols(), x.rows()});
      kernels::transpose<Scalar>(x.view(), out.view());
      return out;
    };
    const Tensor<Scalar> w_hh_t = transposed(w_hh), w_hr_t = transposed(w_hr);
    const Index tokens = segments.tokens();
    gates = time_major(z);
    cells = unprojected = Tensor<Scalar>::full({tokens, H}, nan);
    hidden = Tensor<Scalar>::full({tokens, R}, nan);
    h_n = Tensor<Scalar>::full(h0.shape(), nan);
    c_n = Tensor<Scalar>::full(c0.shape(), nan);
    kernels::LstmArrays<Scalar> a{gates.view(), cells.view(), hidden.view(), h0.view(), c0.view(),
                                  h_n.view(),   c_n.view(),   w_hh_t.view(), {},        {}};
    if (projected) {
      a.w_hr_t = w_hr_t.view();
      a.unprojected = unprojected.view();
    }
    Tensor<Scalar> state({kernels::TimeMajor::group_size * (R + 2 * H)});
    for (Index group = 0; group < order.groups(); ++group) {
      state = Tensor<Scalar>::full(state.shape(), nan);
      kernels::lstm_forward<Scalar, Isa>(order, group, a, state.data());
    }
    d_hidden = time_major(d_output);
    d_gates = Tensor<Scalar>::full({tokens, 4 * H}, nan);
    d_h0 = Tensor<Scalar>::ones(h0.shape());
    d_c0 = Tensor<Scalar>::ones(c0.shape());
    kernels::LstmGradients<Scalar> d{d_hidden.view(), d_h_n.view(), d_c_n.view(), d_gates.view(),
                                     d_h0.view(),     d_c0.view(),  w_hh.view(),  {}};
    if (projected) d.w_hr = w_hr.view();
    for (Index group = 0; group < order.groups(); ++group) {
      state = Tensor<Scalar>::full(state.shape(), nan);
      kernels::lstm_backward<Scalar, Isa>(order, group, a, d, state.data());
    }
    // From here on in packed order.
    gates = packed(gates);
    cells = packed(cells);
    hidden = packed(hidden);
    d_gates = packed(d_gates);
  }

  void check() {
    run();
    const auto wide_z = test::to_double(z), wide_w = test::to_double(w_hh), wide_hr = test::to_double(w_hr);
    const auto wide_c0 = test::to_double(c0), wide_d = test::to_double(d_output);
    Tensor<double> identity({4 * H, 4 * H});  // W_ih: z is the input
    for (Index j = 0; j < 4 * H; ++j) identity(j, j) = 1;
    auto h = test::to_double(h0), c = wide_c0, dh = test::to_double(d_h_n), dc = test::to_double(d_c_n);
    Tensor<double> want_output(hidden.shape()), want_gates(gates.shape()), want_cells(cells.shape());
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
    test::check_close(hidden, want_output, value);
    test::check_close(gates, want_gates, value);
    test::check_close(cells, want_cells, value);
    test::check_close(h_n, h, value);
    test::check_close(c_n, c, value);
    test::check_close(d_gates, want_dz, gradient);
    test::check_close(d_h0, dh, gradient);
    test::check_close(d_c0, dc, gradient);
  }
};

}  // namespace

TEST_CASE("the time-major order holds every token once, after the one before it") {
  for (const bool reverse : {false, true}) {
    for (const auto& lengths : {std::vector<Index>{}, {0}, {0, 0}, {3, 0, 5, 5, 1}, std::vector<Index>(70, 2)}) {
      Case<double, simd::NativeIsa> c(lengths, 1, 0, reverse);
      const auto order = c.order();
      std::vector<Index> place(c.source.size(), -1);
      for (std::size_t row = 0; row < c.source.size(); ++row) {
        const Index token = c.source[row];
        REQUIRE(token >= 0);
        REQUIRE(place[static_cast<std::size_t>(token)] == -1);
        place[static_cast<std::size_t>(token)] = static_cast<Index>(row);
        Index s = 0;
        while (c.segments.end(s) <= token) ++s;
        const bool starts = token == (reverse ? c.segments.end(s) - 1 : c.segments.begin(s));
        if (starts) {
          CHECK(c.previous[row] == -1 - s);
        } else {
          CHECK(c.previous[row] == (reverse ? token + 1 : token - 1));
          CHECK(place[static_cast<std::size_t>(c.previous[row])] >= 0);
        }
      }
      CHECK(c.first.front() == 0);
      CHECK(c.first.back() == c.segments.tokens());
      Index members = 0;
      for (Index group = 0; group < order.groups(); ++group) {
        CHECK(order.members(group) <= kernels::TimeMajor::group_size);
        members += order.members(group);
      }
      CHECK(members == c.segments.count());
    }
  }
}

TEST_CASE("the LSTM and its gradients are the reference's over ragged sequences") {
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
    std::vector<Index> many;  // three groups
    for (Index i = 0; i < 67; ++i) many.push_back((i * 7) % 5);
    with(many, 3, 0);
    with(many, 3, 2);
  });
}

TEST_CASE("a sequence's LSTM does not depend on the sequences beside it") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    std::vector<Index> lengths;
    for (Index i = 0; i < 40; ++i) lengths.push_back((i * 7) % 5);
    for (const Index output : {Index{0}, Index{5}}) {
      for (const bool reverse : {false, true}) {
        Case<Scalar, Isa> whole(lengths, 19, output, reverse);
        whole.run();
        for (const Index s : {0, 1, 17, 39}) {
          INFO("sequence " << s);
          Case<Scalar, Isa> alone({lengths[static_cast<std::size_t>(s)]}, 19, output, reverse);
          const Index begin = whole.segments.begin(s), end = whole.segments.end(s);
          alone.z = Tensor<Scalar>(whole.z.view().rows(begin, end));
          alone.h0 = Tensor<Scalar>(whole.h0.view().rows(s, s + 1));
          alone.c0 = Tensor<Scalar>(whole.c0.view().rows(s, s + 1));
          alone.d_output = Tensor<Scalar>(whole.d_output.view().rows(begin, end));
          alone.d_h_n = Tensor<Scalar>(whole.d_h_n.view().rows(s, s + 1));
          alone.d_c_n = Tensor<Scalar>(whole.d_c_n.view().rows(s, s + 1));
          alone.run();
          const auto same = [](const Tensor<Scalar>& a, const Tensor<Scalar>& b, Index from) {
            return a.size() == 0 ||
                   std::memcmp(a.data(), b.view().row(from), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
          };
          CHECK(same(alone.hidden, whole.hidden, begin));
          CHECK(same(alone.h_n, whole.h_n, s));
          CHECK(same(alone.c_n, whole.c_n, s));
          CHECK(same(alone.d_gates, whole.d_gates, begin));
          CHECK(same(alone.d_h0, whole.d_h0, s));
          CHECK(same(alone.d_c0, whole.d_c0, s));
        }
      }
    }
  });
}
