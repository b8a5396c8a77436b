// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/additive_attention.hpp"

#include "heed/kernels/reference/additive_attention.hpp"
#include "kernels/attention_cases.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using test::MaskCase;
using test::same_bits;

/// One additive attention problem, with the kernel's and the reference's results.
template <class Scalar, class Isa>
struct Case : test::AttentionProblem<Scalar> {
  using Base = test::AttentionProblem<Scalar>;
  using Base::q, Base::k, Base::v, Base::d_context, Base::d_weights, Base::mask;
  Tensor<Scalar> w, context, weights, log_sums, dq, dk, dv, dw, scratch;

  Case(const MaskCase<Scalar>& m, Index width, Index depth)
      : Base(m, width, depth),
        w(test::normal_as<Scalar>({width}, "w")),
        scratch({kernels::additive_attention_scratch(m.keys, width)}) {}

  kernels::AttentionUnit<Scalar> unit() {
    auto u = Base::unit();
    u.log_sums = log_sums.data();
    return u;
  }
  void run() {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    context = Tensor<Scalar>::full({q.rows(), v.cols()}, nan);
    weights = Tensor<Scalar>::full({q.rows(), k.rows()}, nan);
    log_sums = Tensor<Scalar>::full({q.rows()}, nan);
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    dq = Tensor<Scalar>::ones(q.shape());
    dk = Tensor<Scalar>::ones(k.shape());
    dv = Tensor<Scalar>::ones(v.shape());
    dw = Tensor<Scalar>::ones(w.shape());
    kernels::additive_attention_forward<Scalar, Isa>(unit(), w.data(), context.view(), weights.data(), scratch.data());
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    kernels::additive_attention_backward<Scalar, Isa>(unit(), w.data(), d_context.view(), d_weights.data(), dq.view(),
                                                      dk.view(), dv.view(), dw.data(), scratch.data());
  }
  void check() {
    run();
    const auto numbers = mask.numbers();
    const auto wide_q = test::to_double(q), wide_k = test::to_double(k), wide_v = test::to_double(v);
    const auto wide_w = test::to_double(w);
    Tensor<double> p(numbers.shape()), y({q.rows(), v.cols()});
    kernels::reference::additive_attention(wide_q.view(), wide_k.view(), wide_v.view(), wide_w.data(), numbers.view(),
                                           p.view(), y.view());
    test::check_close(context, y, test::tolerance<Scalar>(1e-5, 1e-13));
    test::check_close(weights, p, test::tolerance<Scalar>(1e-5, 1e-13));
    const auto ones = [](const Tensor<Scalar>& x) { return Tensor<double>::ones(x.shape()); };
    auto want_q = ones(q), want_k = ones(k), want_v = ones(v), want_w = ones(w);
    kernels::reference::additive_attention_backward(
        wide_q.view(), wide_k.view(), wide_v.view(), wide_w.data(), p.view(), test::to_double(d_context).view(),
        test::to_double(d_weights).view(), want_q.view(), want_k.view(), want_v.view(), want_w.data());
    test::check_gradients(*this, want_q, want_k, want_v, test::tolerance<Scalar>(2e-5, 1e-13));
    test::check_close(dw, want_w, test::tolerance<Scalar>(2e-5, 1e-13));
  }
};

TEST_CASE("additive attention and its gradients match the reference under every mask and at every size") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](Index queries, Index keys, Index width, Index depth) {
      test::for_every_mask<Scalar>(queries, keys, width, depth,
                                   [&](const auto& mask) { Case<Scalar, Isa>(mask, width, depth).check(); });
    };
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      with(3, 5, size, 4);
      with(3, 5, 4, size);
      with(2, size, 3, 2);
    }
    with(0, 3, 4, 2);
    with(1, 1, 4, 2);
    with(9, 4, 4, 2);
    with(21, 37, 3, 2);
  });
}

TEST_CASE("additive attention matches the reference where exponentials of q and k alone are not finite") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const Scalar far = sizeof(Scalar) == 4 ? Scalar(50) : Scalar(400);
    for (const auto& mask : test::mask_cases<Scalar>(18, 19)) {
      INFO(mask.label);
      Case<Scalar, Isa> c(mask, 5, 3);
      // Some queries and keys are large alone, with opposite signs so that their sums are not; others have large sums;
      // most are small.
      for (Index i = 1; i < mask.queries; i += 4) {
        for (Index f = 0; f < 5; ++f) c.q(i, f) += f % 2 == 0 ? far : -far;
      }
      for (Index j = 2; j < mask.keys; j += 3) {
        for (Index f = 0; f < 5; ++f) c.k(j, f) += (f % 2 == 0) == (j % 2 == 0) ? -far : far;
      }
      c.check();
    }
  });
}

TEST_CASE("hidden keys do not affect an additive query, even if they hold NaN or infinity") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const auto& mask : test::mask_cases<Scalar>(18, 19)) {
      INFO(mask.label);
      test::check_no_influence_of_hidden(mask, Case<Scalar, Isa>(mask, 5, 3), &Case<Scalar, Isa>::dw);
    }
  });
}

TEST_CASE("additive attention omits outputs that are not requested") {
  const auto masks = test::mask_cases<double>(5, 7);
  Case<double, simd::NativeIsa> c(masks[1], 3, 2);
  c.run();
  Tensor<double> context(c.context.shape());
  kernels::additive_attention_forward<double>(c.unit(), c.w.data(), context.view(), nullptr, c.scratch.data());
  CHECK(same_bits(context, c.context));
  for (const int only : {0, 1, 2, 3}) {
    auto dq = Tensor<double>::ones(c.dq.shape()), dk = Tensor<double>::ones(c.dk.shape());
    auto dv = Tensor<double>::ones(c.dv.shape()), dw = Tensor<double>::ones(c.dw.shape());
    const auto ask = [&](Tensor<double>& x, int which) { return only == which ? x.view() : TensorView<double>(); };
    kernels::additive_attention_backward<double>(c.unit(), c.w.data(), c.d_context.view(), c.d_weights.data(),
                                                 ask(dq, 0), ask(dk, 1), ask(dv, 2), only == 3 ? dw.data() : nullptr,
                                                 c.scratch.data());
    CHECK(same_bits(dq, only == 0 ? c.dq : Tensor<double>::ones(c.dq.shape())));
    CHECK(same_bits(dk, only == 1 ? c.dk : Tensor<double>::ones(c.dk.shape())));
    CHECK(same_bits(dv, only == 2 ? c.dv : Tensor<double>::ones(c.dv.shape())));
    CHECK(same_bits(dw, only == 3 ? c.dw : Tensor<double>::ones(c.dw.shape())));
  }
}

}  // namespace HEED_TEST_UNIT
