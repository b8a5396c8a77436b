// SPDX-License-Identifier: Apache-2.0
#include "heed/simd/pack.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/every_isa.hpp"
#include "simd/guarded.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

/// Special values, such as zeros of both signs, infinities, NaN and subnormal numbers.
template <class Scalar>
std::vector<Scalar> awkward() {
  using L = std::numeric_limits<Scalar>;
  return {Scalar(0),      -Scalar(0),   Scalar(1),  Scalar(-1),       Scalar(2.5),      Scalar(-0.75), L::max(),
          L::lowest(),    L::min(),     -L::min(),  L::denorm_min(),  -L::denorm_min(), L::infinity(), -L::infinity(),
          L::quiet_NaN(), Scalar(1e-3), Scalar(16), Scalar(-1234.5f), Scalar(3)};
}

template <class P, class Scalar>
std::vector<Scalar> lanes(P pack, Scalar) {
  std::vector<Scalar> out(static_cast<std::size_t>(P::width));
  pack.store(out.data());
  return out;
}

/// Same bits, or both NaN.
template <class Scalar>
bool same(Scalar a, Scalar b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof(Scalar)) == 0;
}

/// Calls check(a, b, c, per lane) for packs of special values, in all combinations of three.
template <class Scalar, class Isa, class Check>
void for_awkward(const Check& check) {
  using P = simd::Pack<Scalar, Isa>;
  const auto values = awkward<Scalar>();
  const std::size_t n = values.size();
  std::vector<Scalar> a, b, c;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      a.push_back(values[i]);
      b.push_back(values[j]);
      c.push_back(values[(3 * i + 5 * j) % n]);
    }
  }
  while (a.size() % static_cast<std::size_t>(P::width) != 0) {
    for (auto* list : {&a, &b, &c}) list->push_back(1);
  }
  for (std::size_t i = 0; i < a.size(); i += static_cast<std::size_t>(P::width)) {
    check(P::load(a.data() + i), P::load(b.data() + i), P::load(c.data() + i));
  }
}

TEST_CASE("arithmetic on a register is arithmetic on its lanes") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    int wrong = 0;
    for_awkward<Scalar, Isa>([&](P a, P b, P c) {
      for (Index i = 0; i < P::width; ++i) {
        const Scalar x = a[i], y = b[i], z = c[i];
        wrong += !same((a + b)[i], x + y);
        wrong += !same((a - b)[i], x - y);
        wrong += !same((a * b)[i], x * y);
        wrong += !same((a / b)[i], x / y);
        wrong += !same((-a)[i], -x);
        wrong += !same(sqrt(a)[i], std::sqrt(x));
        wrong += !same(abs(a)[i], std::abs(x));
        wrong += !(same(copy_sign(a, b)[i], std::copysign(x, y)) || std::isnan(y));
        wrong += !same(max(a, b)[i], x > y ? x : y);
        wrong += !same(min(a, b)[i], x < y ? x : y);
        const Scalar fused = std::fma(x, y, z), apart = x * y + z, got = fma(a, b, c)[i];
        wrong += !(same(got, fused) || same(got, apart));
#ifdef __FMA__
        wrong += !same(got, fused);
#endif
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("comparisons and select work lane by lane, NaN included") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    int wrong = 0;
    for_awkward<Scalar, Isa>([&](P a, P b, P c) {
      const auto less = a<b, greater = a> b, equal = a == b;
      for (Index i = 0; i < P::width; ++i) {
        const Scalar x = a[i], y = b[i];
        wrong += less[i] != (x < y ? -1 : 0);
        wrong += greater[i] != (x > y ? -1 : 0);
        wrong += equal[i] != (x == y ? -1 : 0);
        wrong += !same(select(less, b, c)[i], x < y ? y : c[i]);
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a number fills all lanes, negative zero with its sign") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    for (const Scalar x : awkward<Scalar>()) {
      for (const Scalar lane : lanes(P(x), x)) CHECK(same(lane, x));
    }
  });
}

TEST_CASE("a register is reduced by halves in the same order for every instruction set") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    auto values = test::normal_as<Scalar>({P::width}, "values");
    Scalar* x = values.data();
    const P pack = P::load(x);
    CHECK(reduce_max(pack) == *std::max_element(x, x + P::width));
    for (Index half = P::width / 2; half > 0; half /= 2) {
      for (Index i = 0; i < half; ++i) x[i] += x[i + half];
    }
    CHECK(reduce_sum(pack) == x[0]);
    CHECK(reduce_max(P(-std::numeric_limits<Scalar>::infinity())) == -std::numeric_limits<Scalar>::infinity());
    for (Index at = 0; at < P::width; ++at) {
      Scalar one[P::width] = {};
      one[at] = Scalar(3);
      CHECK(reduce_max(P::load(one)) == Scalar(3));
      CHECK(reduce_sum(P::load(one)) == Scalar(3));
      one[at] = std::numeric_limits<Scalar>::quiet_NaN();
      CHECK(std::isnan(reduce_sum(P::load(one))));
    }
  });
}

TEST_CASE("partial loads and stores touch nothing past the end") {
  const test::Guarded memory;
  test::for_every_isa([&]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    for (Index n = 0; n <= P::width; ++n) {
      INFO(n << " of " << P::width);
      Scalar* const last = memory.end<Scalar>() - n;
      for (Index i = 0; i < n; ++i) last[i] = Scalar(i + 1);
      const P loaded = P::load(last, n);
      const P same_by_count = simd::load<P>(last, n);
      for (Index i = 0; i < P::width; ++i) {
        CHECK(loaded[i] == (i < n ? Scalar(i + 1) : Scalar(0)));
        CHECK(same_by_count[i] == loaded[i]);
      }
      std::fill_n(last, n, Scalar(0));
      loaded.store(last, n);
      for (Index i = 0; i < n; ++i) CHECK(last[i] == Scalar(i + 1));
      std::fill_n(last, n, Scalar(0));
      simd::store(loaded, last, n);
      for (Index i = 0; i < n; ++i) CHECK(last[i] == Scalar(i + 1));
      // The following elements in the same page are unchanged too.
      Scalar* const first = memory.begin<Scalar>();
      std::fill_n(first, P::width + 1, Scalar(-7));
      P(Scalar(5)).store(first, n);
      for (Index i = 0; i <= P::width; ++i) CHECK(first[i] == (i < n ? Scalar(5) : Scalar(-7)));
    }
    // Whole registers at any alignment, at both ends of the page.
    for (Scalar* p : {memory.begin<Scalar>(), memory.begin<Scalar>() + 1, memory.end<Scalar>() - P::width}) {
      P(Scalar(3)).store(p);
      CHECK(lanes(P::load(p), Scalar()) == std::vector<Scalar>(static_cast<std::size_t>(P::width), Scalar(3)));
    }
  });
}

TEST_CASE("a loop over registers covers every element once, within its bounds") {
  const test::Guarded memory;
  test::for_every_isa([&]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    for (Index size = 0; size <= 3 * P::width + 1; ++size) {
      Scalar* const x = memory.end<Scalar>() - size;
      std::fill_n(x, size, Scalar(0));
      Index visited = 0;
      simd::for_each_pack<P>(size, [&](Index i, Index n) {
        CHECK(i == visited);
        CHECK((n == P::width || i + n == size));
        visited += n;
        simd::store(simd::load<P>(x + i, n) + P(Scalar(1)), x + i, n);
      });
      CHECK(visited == size);
      for (Index i = 0; i < size; ++i) CHECK(x[i] == Scalar(1));
    }
  });
}

}  // namespace HEED_TEST_UNIT
