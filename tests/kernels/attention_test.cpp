// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/attention.hpp"

#include <cstring>

#include "heed/kernels/reference/attention.hpp"
#include "kernels/attention_cases.hpp"
#include "kernels/every_isa.hpp"

namespace {

using namespace heed;
using test::MaskCase;

/// One attention problem, what the kernel makes of it, and what the reference does.
template <class Scalar, class Isa>
struct Case {
  Tensor<Scalar> q, k, v, d_context, d_weights;
  const MaskCase<Scalar>& mask;
  Scalar keep;
  Random random{12};
  Tensor<Scalar> context, weights, log_sums, dq, dk, dv, scratch;

  Case(const MaskCase<Scalar>& m, Index width, Index depth, Scalar kept = 1)
      : q(test::normal_as<Scalar>({m.queries, width}, "q")),
        k(test::normal_as<Scalar>({m.keys, width}, "k")),
        v(test::normal_as<Scalar>({m.keys, depth}, "v")),
        d_context(test::normal_as<Scalar>({m.queries, depth}, "d_context")),
        d_weights(test::normal_as<Scalar>({m.queries, m.keys}, "d_weights")),
        mask(m),
        keep(kept),
        scratch({kernels::attention_scratch(m.keys, std::max(width, depth))}) {}

  Scalar scale() const { return Scalar(0.5); }
  kernels::AttentionUnit<Scalar> unit() {
    return {q.view(), k.view(), v.view(), mask.view(),    MaskCase<Scalar>::segment,
            scale(),  keep,     random,   log_sums.data()};
  }
  void run() {
    // What is overwritten begins as nonsense; what is added to begins at one.
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    context = Tensor<Scalar>::full({q.rows(), v.cols()}, nan);
    weights = Tensor<Scalar>::full({q.rows(), k.rows()}, nan);
    log_sums = Tensor<Scalar>::full({q.rows()}, nan);
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    dq = Tensor<Scalar>::ones(q.shape());
    dk = Tensor<Scalar>::ones(k.shape());
    dv = Tensor<Scalar>::ones(v.shape());
    kernels::attention_forward<Scalar, Isa>(unit(), context.view(), weights.data(), scratch.data());
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    kernels::attention_backward<Scalar, Isa>(unit(), d_context.view(), d_weights.data(), dq.view(), dk.view(),
                                             dv.view(), scratch.data());
  }
  void check() {
    run();
    const auto numbers = mask.numbers();
    const auto wide_q = test::to_double(q), wide_k = test::to_double(k), wide_v = test::to_double(v);
    const auto one = Tensor<double>::ones(numbers.shape());
    Tensor<double> drop = one, p(numbers.shape()), w(numbers.shape()), y({q.rows(), v.cols()});
    for (Index i = 0; i < drop.size() && keep < 1; ++i) {
      drop.data()[i] = random.uniform(static_cast<std::uint64_t>(i)) < static_cast<double>(keep)
                           ? 1 / static_cast<double>(keep)
                           : 0.0;
    }
    const auto attend = [&](const Tensor<double>& dropped, Tensor<double>& out) {
      kernels::reference::attention(wide_q.view(), wide_k.view(), wide_v.view(), static_cast<double>(scale()),
                                    numbers.view(), dropped.view(), out.view(), y.view());
    };
    attend(one, p);
    attend(drop, w);
    test::check_close(context, y, test::tolerance<Scalar>(1e-5, 1e-13));
    test::check_close(weights, w, test::tolerance<Scalar>(1e-5, 1e-13));
    auto want_q = Tensor<double>::ones(q.shape()), want_k = Tensor<double>::ones(k.shape());
    auto want_v = Tensor<double>::ones(v.shape());
    kernels::reference::attention_backward(wide_q.view(), wide_k.view(), wide_v.view(), static_cast<double>(scale()),
                                           p.view(), drop.view(), test::to_double(d_context).view(),
                                           test::to_double(d_weights).view(), want_q.view(), want_k.view(),
                                           want_v.view());
    test::check_close(dq, want_q, test::tolerance<Scalar>(2e-5, 1e-13));
    test::check_close(dk, want_k, test::tolerance<Scalar>(2e-5, 1e-13));
    test::check_close(dv, want_v, test::tolerance<Scalar>(2e-5, 1e-13));
  }
};

template <class Scalar>
bool same_bits(const Scalar* a, const Scalar* b, Index size) {
  return size == 0 || std::memcmp(a, b, static_cast<std::size_t>(size) * sizeof(Scalar)) == 0;
}
template <class Scalar>
bool same_bits(const Tensor<Scalar>& a, const Tensor<Scalar>& b) {
  return a.shape() == b.shape() && same_bits(a.data(), b.data(), a.size());
}

}  // namespace

TEST_CASE("attention and its gradients are the reference's under every mask and at every size") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](Index queries, Index keys, Index width, Index depth, Scalar keep) {
      for (const auto& mask : test::mask_cases<Scalar>(queries, keys)) {
        INFO(mask.label << ", " << queries << " queries, " << keys << " keys, widths " << width << ", " << depth
                        << ", keep " << keep);
        Case<Scalar, Isa>(mask, width, depth, keep).check();
      }
    };
    constexpr Index width = simd::Pack<Scalar, Isa>::width;
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      with(3, 5, size, 4, 1);  // the head's width
      with(3, 5, 4, size, 1);  // the values' width
      with(2, size, 3, 2, 1);  // keys
    }
    for (const Index queries : {Index{0}, Index{1}, kernels::attention_strip - 1, kernels::attention_strip,
                                kernels::attention_strip + 1, 2 * kernels::attention_strip + 3}) {
      with(queries, width + 1, 3, 2, 1);
    }
    with(5, 7, 3, 2, Scalar(0.75));
    with(0, 0, 3, 2, 1);
  });
}

TEST_CASE("what a query may not look at has no influence on it, NaN and infinity included") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
    constexpr Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    for (const auto& mask : test::mask_cases<Scalar>(19, 21)) {
      INFO(mask.label);
      Case<Scalar, Isa> clean(mask, 5, 3), poisoned = clean;
      clean.run();
      const auto numbers = mask.numbers();
      const auto hidden = [&](Index i, Index j) { return numbers(i, j) == -std::numeric_limits<double>::infinity(); };
      for (Index j = 0; j < mask.keys; ++j) {
        for (const Scalar bad : {nan, infinity, -infinity}) {
          poisoned.k = clean.k;
          poisoned.v = clean.v;
          std::fill_n(poisoned.k.view().row(j), 5, bad);
          std::fill_n(poisoned.v.view().row(j), 3, bad);
          poisoned.run();
          bool somebody_looks = false;
          for (Index i = 0; i < mask.queries; ++i) {
            if (!hidden(i, j)) {
              somebody_looks = true;
              CHECK(!same_bits(clean.context.view().row(i), poisoned.context.view().row(i), 3));
              continue;
            }
            CHECK(same_bits(clean.context.view().row(i), poisoned.context.view().row(i), 3));
            CHECK(same_bits(clean.weights.view().row(i), poisoned.weights.view().row(i), mask.keys));
            CHECK(same_bits(clean.dq.view().row(i), poisoned.dq.view().row(i), 5));
          }
          if (somebody_looks) continue;
          CHECK(same_bits(clean.dk, poisoned.dk));
          CHECK(same_bits(clean.dv, poisoned.dv));
        }
      }
      // A query that may look at nothing.
      for (Index i = 0; i < mask.queries; ++i) {
        bool blind = true;
        for (Index j = 0; j < mask.keys; ++j) blind = blind && hidden(i, j);
        if (!blind) continue;
        poisoned.k = clean.k;
        poisoned.v = clean.v;
        poisoned.q = clean.q;
        std::fill_n(poisoned.q.view().row(i), 5, nan);
        poisoned.run();
        CHECK(same_bits(clean.context, poisoned.context));
        CHECK(same_bits(clean.weights, poisoned.weights));
        CHECK(same_bits(clean.dq, poisoned.dq));
        CHECK(same_bits(clean.dk, poisoned.dk));
        CHECK(same_bits(clean.dv, poisoned.dv));
        for (Index c = 0; c < 3; ++c) CHECK(clean.context(i, c) == Scalar(0));
        for (Index j = 0; j < mask.keys; ++j) CHECK(clean.weights(i, j) == Scalar(0));
        for (Index c = 0; c < 5; ++c) CHECK(clean.dq(i, c) == Scalar(1));
      }
    }
  });
}

TEST_CASE("a query's attention does not depend on the queries beside it") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Index queries = 2 * kernels::attention_strip + 3;
    for (const auto& mask : test::mask_cases<Scalar>(queries, 37)) {
      if (mask.causal) continue;  // taking a query out would change what it may see
      INFO(mask.label);
      Case<Scalar, Isa> whole(mask, 5, 3);
      whole.run();
      for (const Index i : {Index{0}, kernels::attention_strip, queries - 1}) {
        // A mask whose only row is row i.
        MaskCase<Scalar> one = mask;
        one.queries = 1;
        const auto cut = [&](auto& all) {
          if (all.empty()) return;
          auto rows = all;
          rows.clear();
          for (Index plane = 0; plane < (mask.by_segment ? 3 : 1); ++plane) {
            const auto from = all.begin() + (plane * queries + i) * 37;
            rows.insert(rows.end(), from, from + 37);
          }
          all = rows;
        };
        cut(one.visible_of);
        cut(one.additive_of);
        Case<Scalar, Isa> alone(one, 5, 3);
        alone.q = Tensor<Scalar>(whole.q.view().rows(i, i + 1));
        alone.d_context = Tensor<Scalar>(whole.d_context.view().rows(i, i + 1));
        alone.d_weights = Tensor<Scalar>(whole.d_weights.view().rows(i, i + 1));
        alone.run();
        CHECK(same_bits(alone.context.data(), whole.context.view().row(i), 3));
        CHECK(same_bits(alone.weights.data(), whole.weights.view().row(i), 37));
        CHECK(same_bits(alone.dq.data(), whole.dq.view().row(i), 5));
      }
    }
  });
}

TEST_CASE("attention works on columns of wider arrays and leaves out what is not asked for") {
  const auto masks = test::mask_cases<double>(5, 7);
  const auto& mask = masks[1];
  Case<double, simd::NativeIsa> c(mask, 3, 2);
  c.run();
  const auto wide = [](const Tensor<double>& x) {
    Tensor<double> out = Tensor<double>::full({x.rows(), x.cols() + 2}, std::numeric_limits<double>::quiet_NaN());
    for (Index i = 0; i < x.rows(); ++i) std::copy_n(x.view().row(i), x.cols(), out.view().row(i) + 1);
    return out;
  };
  const auto inside = [](Tensor<double>& x) { return x.view().columns(1, x.cols() - 1); };
  auto q = wide(c.q), k = wide(c.k), v = wide(c.v), context = wide(c.context), d_context = wide(c.d_context);
  auto unit = c.unit();
  unit.q = inside(q);
  unit.k = inside(k);
  unit.v = inside(v);
  kernels::attention_forward<double>(unit, inside(context), nullptr, c.scratch.data());
  CHECK(same_bits(Tensor<double>(inside(context)), c.context));
  for (const int only : {0, 1, 2}) {
    const auto ones = [](const Tensor<double>& x) { return Tensor<double>::ones({x.rows(), x.cols() + 2}); };
    auto dq = ones(c.dq), dk = ones(c.dk), dv = ones(c.dv);
    const TensorView<double> none;
    kernels::attention_backward<double>(unit, inside(d_context), c.d_weights.data(), only == 0 ? inside(dq) : none,
                                        only == 1 ? inside(dk) : none, only == 2 ? inside(dv) : none, c.scratch.data());
    CHECK(same_bits(Tensor<double>(inside(dq)), only == 0 ? c.dq : Tensor<double>::ones(c.dq.shape())));
    CHECK(same_bits(Tensor<double>(inside(dk)), only == 1 ? c.dk : Tensor<double>::ones(c.dk.shape())));
    CHECK(same_bits(Tensor<double>(inside(dv)), only == 2 ? c.dv : Tensor<double>::ones(c.dv.shape())));
    for (const auto* x : {&dq, &dk, &dv}) {
      for (Index i = 0; i < x->rows(); ++i) CHECK(((*x)(i, 0) == 1.0 && (*x)(i, x->cols() - 1) == 1.0));
    }
  }
}
