// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/attention.hpp"

#include "heed/kernels/reference/attention.hpp"
#include "kernels/attention_cases.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using test::MaskCase;
using test::same_bits;

/// Queries per tile of the widest kind.
template <class Isa>
constexpr Index strip = kernels::detail::backward_strip<Isa>;

/// The outputs requested besides the context.
enum class Asked { weights, mass, both };

/// The items of keys or queries, each `times` times: 0, the least, the greatest, -1 and, of five, one that no key holds.
template <class Scalar>
std::vector<kernels::LaneItem<Scalar>> items(Index size, std::size_t kinds, std::size_t times) {
  using Limits = std::numeric_limits<kernels::LaneItem<Scalar>>;
  const kernels::LaneItem<Scalar> all[] = {0, Limits::min(), Limits::max(), -1, 7};
  std::vector<kernels::LaneItem<Scalar>> out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) out.push_back(all[i / times % kinds]);
  return out;
}
template <class Integer>
std::vector<Index> to_index(const std::vector<Integer>& x) {
  return {x.begin(), x.end()};
}

/// One attention problem, with the kernel's and the reference's results.
template <class Scalar, class Isa>
struct Case : test::AttentionProblem<Scalar> {
  using Base = test::AttentionProblem<Scalar>;
  using Base::q, Base::k, Base::v, Base::d_context, Base::d_weights, Base::mask;
  Scalar keep;
  Asked asked;
  Random random{12};
  Tensor<Scalar> context, weights, mass, log_sums, dq, dk, dv, scratch, d_mass;
  std::vector<std::uint16_t> drawn;
  std::vector<kernels::LaneItem<Scalar>> key_items, query_items;

  Case(const MaskCase<Scalar>& m, Index width, Index depth, Scalar kept = 1, Asked what = Asked::weights)
      : Base(m, width, depth),
        keep(kept),
        asked(what),
        scratch({kernels::attention_scratch<Scalar, Isa>(m.queries, m.keys, width, depth)}),
        d_mass(test::normal_as<Scalar>({m.queries, 1}, "d_mass")),
        key_items(items<Scalar>(m.keys, 4, 3)),  // a register holds others than the next one
        query_items(items<Scalar>(m.queries, 5, 1)) {}

  Scalar scale() const { return Scalar(0.5); }
  kernels::AttentionUnit<Scalar> unit() {
    auto u = Base::unit();
    u.scale = scale();
    u.keep = keep;
    u.random = random;
    u.log_sums = log_sums.data();
    u.kept = drawn.data();
    if (asked != Asked::weights) {
      u.key_items = key_items.data();
      u.query_items = query_items.data();
      u.mass = mass.view();
    }
    return u;
  }
  kernels::AttentionCotangents<Scalar> given() const {
    kernels::AttentionCotangents<Scalar> out{context.view(), d_context.view()};
    if (asked != Asked::mass) {
      out.weights = weights.data();
      out.d_weights = d_weights.data();
    }
    if (asked != Asked::weights) out.d_mass = d_mass.view();
    return out;
  }
  void run() {
    // Outputs that are overwritten begin as NaN, outputs that are added to begin at 1.
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    context = Tensor<Scalar>::full({q.rows(), v.cols()}, nan);
    weights = Tensor<Scalar>::full({q.rows(), k.rows()}, nan);
    mass = Tensor<Scalar>::full({q.rows(), 1}, nan);
    log_sums = Tensor<Scalar>::full({q.rows()}, nan);
    drawn.assign(static_cast<std::size_t>(q.rows() * kernels::kept_words(k.rows())), std::uint16_t{0xaaaa});
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    dq = Tensor<Scalar>::ones(q.shape());
    dk = Tensor<Scalar>::ones(k.shape());
    dv = Tensor<Scalar>::ones(v.shape());
    kernels::attention_forward<Scalar, Isa>(unit(), context.view(), asked != Asked::mass ? weights.data() : nullptr,
                                            scratch.data());
    scratch = Tensor<Scalar>::full(scratch.shape(), nan);
    kernels::attention_backward<Scalar, Isa>(unit(), given(), dq.view(), dk.view(), dv.view(), scratch.data());
  }
  void check() {
    run();
    const auto numbers = mask.numbers();
    const auto wide_q = test::to_double(q), wide_k = test::to_double(k), wide_v = test::to_double(v);
    const auto one = Tensor<double>::ones(numbers.shape());
    Tensor<double> drop = one, p(numbers.shape()), w(numbers.shape()), y({q.rows(), v.cols()});
    if (keep < 1) {
      const auto u = unit();
      kernels::reference::attention_dropout(
          random, static_cast<double>(keep), [&](Index i) { return u.key_end(i); }, drop.view());
    }
    const auto attend = [&](const Tensor<double>& dropped, Tensor<double>& out) {
      kernels::reference::attention(wide_q.view(), wide_k.view(), wide_v.view(), static_cast<double>(scale()),
                                    numbers.view(), dropped.view(), out.view(), y.view());
    };
    attend(one, p);
    attend(drop, w);
    test::check_close(context, y, test::tolerance<Scalar>(1e-5, 1e-13));
    auto d_w = asked != Asked::mass ? test::to_double(d_weights) : Tensor<double>(w.shape());
    if (asked != Asked::mass) test::check_close(weights, w, test::tolerance<Scalar>(1e-5, 1e-13));
    if (asked != Asked::weights) {
      const auto of_keys = to_index(key_items), of_queries = to_index(query_items);
      Tensor<double> on_item({q.rows(), 1});
      kernels::reference::attention_mass(w.view(), of_keys, of_queries, on_item.data());
      test::check_close(mass, on_item, test::tolerance<Scalar>(1e-5, 1e-13));
      kernels::reference::attention_mass_backward(of_keys, of_queries, test::to_double(d_mass).data(), d_w.view());
    }
    auto want_q = Tensor<double>::ones(q.shape()), want_k = Tensor<double>::ones(k.shape());
    auto want_v = Tensor<double>::ones(v.shape());
    kernels::reference::attention_backward(wide_q.view(), wide_k.view(), wide_v.view(), static_cast<double>(scale()),
                                           p.view(), drop.view(), test::to_double(d_context).view(), d_w.view(),
                                           want_q.view(), want_k.view(), want_v.view());
    test::check_gradients(*this, want_q, want_k, want_v, test::tolerance<Scalar>(2e-5, 1e-13));
  }
};

TEST_CASE("attention and its gradients match the reference under every mask and at every size") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](Index queries, Index keys, Index width, Index depth, Scalar keep) {
      INFO("keep " << keep);
      test::for_every_mask<Scalar>(queries, keys, width, depth,
                                   [&](const auto& mask) { Case<Scalar, Isa>(mask, width, depth, keep).check(); });
    };
    constexpr Index width = simd::Pack<Scalar, Isa>::width;
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      with(3, 5, size, 4, 1);  // the head's width
      with(3, 5, 4, size, 1);  // the values' width
      with(2, size, 3, 2, 1);  // keys
    }
    for (const Index queries : {Index{0}, Index{1}, strip<Isa> - 1, strip<Isa>, strip<Isa> + 1, 2 * strip<Isa> + 3}) {
      with(queries, width + 1, 3, 2, 1);
    }
    with(5, 7, 3, 2, Scalar(0.75));
    with(3, 150, 3, 2, Scalar(0.75));  // more keys than a group has dropout numbers
    with(0, 0, 3, 2, 1);
  });
}

TEST_CASE("the mass on a query's item, and its gradients, match the reference with and without the weights") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](Index queries, Index keys, Scalar keep) {
      for (const auto& mask : test::mask_cases<Scalar>(queries, keys)) {
        for (const Asked asked : {Asked::mass, Asked::both}) {
          INFO(mask.label << ", " << queries << " queries, " << keys << " keys, keep " << keep
                          << (asked == Asked::both ? ", weights too" : ""));
          Case<Scalar, Isa>(mask, 3, 2, keep, asked).check();
        }
      }
    };
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      with(5, size, 1);
      with(5, size, Scalar(0.75));
    }
    for (const Index queries : {Index{0}, Index{1}, strip<Isa>, 2 * strip<Isa> + 3}) {
      with(queries, 19, 1);
    }
    with(3, 150, Scalar(0.75));
  });
}

TEST_CASE("attention over several blocks of keys matches the reference, whatever is hidden between them") {
  const auto check = []<class Scalar, class Isa>() {
    constexpr Index queries = 70, keys = 600;
    auto masks = test::mask_cases<Scalar>(queries, keys);
    MaskCase<Scalar> diagonal{};
    diagonal.label = "some keys for each query, far apart, none for the first";
    diagonal.queries = queries;
    diagonal.keys = keys;
    diagonal.visible = true;
    for (Index i = 0; i < queries; ++i) {
      for (Index j = 0; j < keys; ++j) {
        diagonal.visible_of.push_back(i > 0 && (j / 40 == i / 10 || (i >= 40 && j > 590 && (i + j) % 3 == 0)));
      }
    }
    masks.push_back(diagonal);
    for (const auto& mask : masks) {
      INFO(mask.label);
      Case<Scalar, Isa>(mask, 5, 3).check();
      Case<Scalar, Isa>(mask, 20, 18, Scalar(0.75)).check();
      Case<Scalar, Isa>(mask, 5, 3, 1, Asked::mass).check();
      Case<Scalar, Isa>(mask, 5, 3, Scalar(0.75), Asked::both).check();
    }
  };
  check.template operator()<float, simd::NativeIsa>();
  check.template operator()<double, simd::NativeIsa>();
  check.template operator()<float, simd::Generic<16>>();
}

TEST_CASE("hidden keys do not affect a query, even if they hold NaN or infinity") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
    constexpr Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const auto with = [&](const MaskCase<Scalar>& mask, Index first, Index step) {
      INFO(mask.label << ", " << mask.keys << " keys");
      Case<Scalar, Isa> clean(mask, 5, 3, 1, Asked::both), poisoned = clean;
      clean.run();
      const auto numbers = mask.numbers();
      const auto hidden = [&](Index i, Index j) { return numbers(i, j) == -std::numeric_limits<double>::infinity(); };
      for (Index j = first; j < mask.keys; j += step) {
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
            CHECK(same_bits(clean.mass.view().row(i), poisoned.mass.view().row(i), 1));
            CHECK(same_bits(clean.dq.view().row(i), poisoned.dq.view().row(i), 5));
          }
          if (somebody_looks) continue;
          CHECK(same_bits(clean.dk, poisoned.dk));
          CHECK(same_bits(clean.dv, poisoned.dv));
        }
      }
      for (const Index i : mask.blind_queries()) {
        poisoned.k = clean.k;
        poisoned.v = clean.v;
        poisoned.q = clean.q;
        poisoned.d_mass = clean.d_mass;
        std::fill_n(poisoned.q.view().row(i), 5, nan);
        poisoned.d_mass(i, 0) = nan;
        poisoned.run();
        CHECK(same_bits(clean.context, poisoned.context));
        CHECK(same_bits(clean.weights, poisoned.weights));
        CHECK(same_bits(clean.mass, poisoned.mass));
        CHECK(clean.mass(i, 0) == Scalar(0));
        CHECK(same_bits(clean.dq, poisoned.dq));
        CHECK(same_bits(clean.dk, poisoned.dk));
        CHECK(same_bits(clean.dv, poisoned.dv));
        for (Index c = 0; c < 3; ++c) CHECK(clean.context(i, c) == Scalar(0));
        for (Index j = 0; j < mask.keys; ++j) CHECK(clean.weights(i, j) == Scalar(0));
        for (Index c = 0; c < 5; ++c) CHECK(clean.dq(i, c) == Scalar(1));
      }
    };
    for (const auto& mask : test::mask_cases<Scalar>(19, 21)) with(mask, 0, 1);
    // A strip of queries that sees only part of the second block of keys.
    for (const auto& mask : test::mask_cases<Scalar>(70, 300)) with(mask, 256, 21);
  });
}

TEST_CASE("a query's attention does not depend on the queries beside it") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Index queries = 2 * strip<Isa> + 3;
    for (const auto& mask : test::mask_cases<Scalar>(queries, 37)) {
      if (mask.causal) continue;  // removing a query would change what the others may see
      INFO(mask.label);
      Case<Scalar, Isa> whole(mask, 5, 3, 1, Asked::both);
      whole.run();
      for (const Index i : {Index{0}, strip<Isa>, queries - 1}) {
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
        Case<Scalar, Isa> alone(one, 5, 3, 1, Asked::both);
        alone.q = Tensor<Scalar>(whole.q.view().rows(i, i + 1));
        alone.d_context = Tensor<Scalar>(whole.d_context.view().rows(i, i + 1));
        alone.d_weights = Tensor<Scalar>(whole.d_weights.view().rows(i, i + 1));
        alone.d_mass = Tensor<Scalar>(whole.d_mass.view().rows(i, i + 1));
        alone.query_items[0] = whole.query_items[static_cast<std::size_t>(i)];
        alone.run();
        CHECK(same_bits(alone.context.data(), whole.context.view().row(i), 3));
        CHECK(same_bits(alone.weights.data(), whole.weights.view().row(i), 37));
        CHECK(same_bits(alone.mass.data(), whole.mass.view().row(i), 1));
        CHECK(same_bits(alone.dq.data(), whole.dq.view().row(i), 5));
      }
    }
  });
}

TEST_CASE("attention works on columns of wider arrays and omits outputs that are not requested") {
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
    const MatrixView<double> none;
    auto given = c.given();
    given.context = inside(context);
    given.d_context = inside(d_context);
    kernels::attention_backward<double>(unit, given, only == 0 ? inside(dq) : none, only == 1 ? inside(dk) : none,
                                        only == 2 ? inside(dv) : none, c.scratch.data());
    CHECK(same_bits(Tensor<double>(inside(dq)), only == 0 ? c.dq : Tensor<double>::ones(c.dq.shape())));
    CHECK(same_bits(Tensor<double>(inside(dk)), only == 1 ? c.dk : Tensor<double>::ones(c.dk.shape())));
    CHECK(same_bits(Tensor<double>(inside(dv)), only == 2 ? c.dv : Tensor<double>::ones(c.dv.shape())));
    for (const auto* x : {&dq, &dk, &dv}) {
      for (Index i = 0; i < x->rows(); ++i) CHECK(((*x)(i, 0) == 1.0 && (*x)(i, x->cols() - 1) == 1.0));
    }
  }
}

}  // namespace HEED_TEST_UNIT
