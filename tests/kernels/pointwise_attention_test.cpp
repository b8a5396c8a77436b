// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/pointwise_attention.hpp"

#include <cstring>

#include "heed/kernels/reference/pointwise_attention.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

enum class Bias { none, position, time, both };

/// One problem, with the kernel's and the reference's results.
template <class Scalar, class Isa>
struct Case {
  static constexpr Index buckets = 9;
  Index tokens;
  bool has_position, has_time;
  Tensor<Scalar> q, k, v, position, time, d_context;  ///< position by distance, the longest first
  Tensor<double> times;
  Tensor<Scalar> context, dq, dk, dv, d_position, d_time, scratch;

  Case(Index n, Index width, Index depth, Bias bias)
      : tokens(n),
        has_position(bias == Bias::position || bias == Bias::both),
        has_time(bias == Bias::time || bias == Bias::both),
        q(test::normal_as<Scalar>({n, width}, "q")),
        k(test::normal_as<Scalar>({n, width}, "k")),
        v(test::normal_as<Scalar>({n, depth}, "v")),
        position(test::normal_as<Scalar>({n + 2}, "position")),
        time(test::normal_as<Scalar>({buckets}, "time")),
        d_context(test::normal_as<Scalar>({n, depth}, "d_context")),
        times({n}),
        scratch({kernels::pointwise_attention_scratch<Scalar, Isa>(n, width, depth, buckets)}) {
    for (Index i = 0; i < n; ++i) times.data()[i] = 3.0 * static_cast<double>(i / 3) + 1e9;
  }

  kernels::PointwiseUnit<Scalar> unit() const {
    kernels::PointwiseUnit<Scalar> u{q.view(), k.view(), v.view()};
    if (has_position) u.position_bias = position.data() + position.size() - 1;
    if (has_time) {
      u.times = times.data();
      u.time_bias = time.data();
      u.buckets = buckets;
    }
    return u;
  }
  void run() {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    context = Tensor<Scalar>::full(v.shape(), nan);
    dq = Tensor<Scalar>::ones(q.shape());
    dk = Tensor<Scalar>::ones(k.shape());
    dv = Tensor<Scalar>::ones(v.shape());
    d_position = Tensor<Scalar>::ones(position.shape());
    d_time = Tensor<Scalar>::ones(time.shape());
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    kernels::pointwise_attention_forward<Scalar, Isa>(unit(), context.view(), scratch.data());
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    kernels::pointwise_attention_backward<Scalar, Isa>(
        unit(), d_context.view(),
        {dq.view(), dk.view(), dv.view(), has_position ? d_position.data() + position.size() - 1 : nullptr,
         has_time ? d_time.data() : nullptr},
        scratch.data());
  }
  void check() {
    run();
    const auto wide_q = test::to_double(q), wide_k = test::to_double(k), wide_v = test::to_double(v);
    const auto wide_time = test::to_double(time), wide_d = test::to_double(d_context);
    auto wide_position = test::to_double(position);
    std::reverse(wide_position.data(), wide_position.data() + position.size());
    const auto span = [](const Tensor<double>& x, bool there) {
      return std::span<const double>(x.data(), there ? static_cast<std::size_t>(x.size()) : 0);
    };
    const kernels::reference::PointwiseBias bias{span(wide_position, has_position), span(wide_time, has_time),
                                                 span(times, has_time)};
    const auto ones = [](const Tensor<Scalar>& x) { return Tensor<double>::ones(x.shape()); };
    Tensor<double> y(v.shape());
    kernels::reference::pointwise_attention(wide_q.view(), wide_k.view(), wide_v.view(), bias, y.view());
    test::check_close(context, y, test::tolerance<Scalar>(1e-5, 1e-13));
    auto want_q = ones(q), want_k = ones(k), want_v = ones(v), want_position = ones(position), want_time = ones(time);
    const auto room = [](Tensor<double>& x, bool there) {
      return std::span<double>(x.data(), there ? static_cast<std::size_t>(x.size()) : 0);
    };
    kernels::reference::pointwise_attention_backward(wide_q.view(), wide_k.view(), wide_v.view(), bias, wide_d.view(),
                                                     want_q.view(), want_k.view(), want_v.view(),
                                                     room(want_position, has_position), room(want_time, has_time));
    std::reverse(want_position.data(), want_position.data() + position.size());
    test::check_close(dq, want_q, test::tolerance<Scalar>(2e-5, 1e-13));
    test::check_close(dk, want_k, test::tolerance<Scalar>(2e-5, 1e-13));
    test::check_close(dv, want_v, test::tolerance<Scalar>(2e-5, 1e-13));
    test::check_close(d_position, want_position, test::tolerance<Scalar>(2e-5, 1e-13));
    test::check_close(d_time, want_time, test::tolerance<Scalar>(2e-5, 1e-13));
  }
};

template <class Scalar>
bool same_bits(TensorView<const Scalar> a, TensorView<const Scalar> b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0);
}
template <class Scalar>
bool same_bits(const Tensor<Scalar>& a, const Tensor<Scalar>& b) {
  return same_bits(a.view(), b.view());
}

TEST_CASE("pointwise attention and its gradients match the reference under every bias and at every size") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](Index tokens, Index width, Index depth) {
      for (const Bias bias : {Bias::none, Bias::position, Bias::time, Bias::both}) {
        INFO("bias " << static_cast<int>(bias) << ", " << tokens << " tokens, widths " << width << ", " << depth);
        Case<Scalar, Isa>(tokens, width, depth, bias).check();
      }
    };
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      with(5, size, 4);
      with(5, 4, size);
      with(size, 3, 2);
    }
    constexpr Index strip = kernels::detail::backward_strip<Isa>;
    for (const Index tokens : {strip - 1, strip, strip + 1}) with(tokens, 5, 3);
    with(65, 3, 5);
    with(127, 3, 2);
    Case<Scalar, Isa>(300, 3, 2, Bias::both).check();
  });
}

TEST_CASE("later keys do not affect a pointwise query, even if they hold NaN or infinity") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
    constexpr Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    constexpr Index tokens = 300;  // a strip of queries sees part of the second block of keys
    Case<Scalar, Isa> clean(tokens, 5, 3, Bias::both), poisoned = clean;
    clean.run();
    for (const Index j : {Index{1}, Index{7}, Index{40}, Index{66}, Index{255}, Index{256}, Index{261}, Index{299}}) {
      for (const Scalar bad : {nan, infinity, -infinity}) {
        INFO("token " << j << ", " << bad);
        poisoned = clean;
        std::fill_n(poisoned.k.view().row(j), 5, bad);
        std::fill_n(poisoned.v.view().row(j), 3, bad);
        poisoned.run();
        CHECK(same_bits<Scalar>(clean.context.view().rows(0, j), poisoned.context.view().rows(0, j)));
        CHECK(same_bits<Scalar>(clean.dq.view().rows(0, j), poisoned.dq.view().rows(0, j)));
        CHECK(!same_bits<Scalar>(clean.context.view().rows(j, j + 1), poisoned.context.view().rows(j, j + 1)));
        // A bad query and its output gradient do not affect the keys after it.
        poisoned = clean;
        std::fill_n(poisoned.q.view().row(j), 5, bad);
        std::fill_n(poisoned.d_context.view().row(j), 3, bad);
        poisoned.run();
        CHECK(same_bits<Scalar>(clean.dk.view().rows(j + 1, tokens), poisoned.dk.view().rows(j + 1, tokens)));
        CHECK(same_bits<Scalar>(clean.dv.view().rows(j + 1, tokens), poisoned.dv.view().rows(j + 1, tokens)));
      }
    }
  });
}

TEST_CASE("a pointwise query has the same bits in a prefix of the sequence") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    Case<Scalar, Isa> whole(300, 6, 3, Bias::both);
    whole.run();
    for (const Index n : {1, 2, 16, 17, 63, 255, 257}) {
      Case<Scalar, Isa> part = whole;
      part.tokens = n;
      for (auto* x : {&part.q, &part.k, &part.v, &part.d_context}) *x = Tensor<Scalar>(x->view().rows(0, n));
      part.run();
      CHECK(same_bits<Scalar>(part.context.view(), whole.context.view().rows(0, n)));
    }
  });
}

TEST_CASE("pointwise weights and their gradients match the context of an identity matrix of values") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index tokens : {1, 17, 70, 300}) {
      INFO(tokens << " tokens");
      Case<Scalar, Isa> c(tokens, 5, tokens, Bias::both);
      c.v = Tensor<Scalar>::zeros({tokens, tokens});
      for (Index i = 0; i < tokens; ++i) c.v(i, i) = 1;
      c.run();
      auto weights = Tensor<Scalar>::full({tokens, tokens}, std::numeric_limits<Scalar>::quiet_NaN());
      auto context = c.context;
      auto dq = Tensor<Scalar>::ones(c.dq.shape()), dk = Tensor<Scalar>::ones(c.dk.shape());
      auto unit = c.unit();
      unit.weights = weights.view();
      kernels::pointwise_attention_forward<Scalar, Isa>(unit, context.view(), c.scratch.data());
      CHECK(same_bits(context, c.context));
      CHECK(testing::allclose(weights, c.context, 1e-6));
      // The weight gradients of hidden keys are not read.
      auto d_weights = c.d_context;
      for (Index i = 0; i < tokens; ++i) {
        std::fill_n(d_weights.view().row(i) + i + 1, tokens - i - 1, std::numeric_limits<Scalar>::quiet_NaN());
      }
      unit.d_weights = d_weights.view();
      const auto none = Tensor<Scalar>::zeros({tokens, tokens});
      kernels::pointwise_attention_backward<Scalar, Isa>(unit, none.view(), {dq.view(), dk.view(), {}},
                                                         c.scratch.data());
      CHECK(testing::allclose(dq, c.dq, 1e-5));
      CHECK(testing::allclose(dk, c.dk, 1e-5));
    }
  });
}

TEST_CASE("pointwise attention omits outputs that are not requested") {
  Case<double, simd::NativeIsa> c(70, 5, 3, Bias::both);
  c.run();
  for (int only = 0; only < 5; ++only) {
    auto dq = Tensor<double>::ones(c.dq.shape()), dk = Tensor<double>::ones(c.dk.shape());
    auto dv = Tensor<double>::ones(c.dv.shape());
    auto d_position = Tensor<double>::ones(c.d_position.shape()), d_time = Tensor<double>::ones(c.d_time.shape());
    const auto ask = [&](Tensor<double>& x, int which) { return only == which ? x.view() : TensorView<double>(); };
    kernels::pointwise_attention_backward<double>(
        c.unit(), c.d_context.view(),
        {ask(dq, 0), ask(dk, 1), ask(dv, 2), only == 3 ? d_position.data() + d_position.size() - 1 : nullptr,
         only == 4 ? d_time.data() : nullptr},
        c.scratch.data());
    CHECK(same_bits(dq, only == 0 ? c.dq : Tensor<double>::ones(c.dq.shape())));
    CHECK(same_bits(dk, only == 1 ? c.dk : Tensor<double>::ones(c.dk.shape())));
    CHECK(same_bits(dv, only == 2 ? c.dv : Tensor<double>::ones(c.dv.shape())));
    CHECK(same_bits(d_position, only == 3 ? c.d_position : Tensor<double>::ones(c.d_position.shape())));
    CHECK(same_bits(d_time, only == 4 ? c.d_time : Tensor<double>::ones(c.d_time.shape())));
  }
}

TEST_CASE("time buckets begin at 1, 1.5, 2, 3, 4, 6, .. and the last holds all longer times") {
  const double begins[] = {1, 1.5, 2, 3, 4, 6, 8, 12};
  for (Index b = 1; b < 8; ++b) {
    CHECK(kernels::time_bucket(begins[b], 100) == b);
    CHECK(kernels::time_bucket(std::nextafter(begins[b], 0), 100) == b - 1);
    CHECK(kernels::time_bucket(-begins[b], 100) == b);
  }
  CHECK(kernels::time_bucket(0, 100) == 0);
  CHECK(kernels::time_bucket(-0.75, 100) == 0);
  CHECK(kernels::time_bucket(8, 6) == 5);
  CHECK(kernels::time_bucket(1e300, 7) == 6);
  CHECK(kernels::time_bucket(0x1p63, 128) == 126);
  for (const double t : {0.0, 1.0, 1.4, 2.0, 5.0, 86400.0, 3e9, 1e18, -7.0}) {
    for (const Index buckets : {1, 7, 128}) {
      CHECK(kernels::time_bucket(t, buckets) == kernels::reference::time_bucket(t, buckets));
    }
  }
}

}  // namespace HEED_TEST_UNIT
