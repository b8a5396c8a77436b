// SPDX-License-Identifier: Apache-2.0
#include "heed/simd/math.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "heed/testing/ulp.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

template <class Scalar>
using Limits = std::numeric_limits<Scalar>;

/// Special values, numbers of random bits, and random numbers from low to high.
template <class Scalar>
std::vector<Scalar> arguments(Scalar low, Scalar high) {
  using L = Limits<Scalar>;
  std::vector<Scalar> out = {0,
                             -Scalar(0),
                             1,
                             -1,
                             L::min(),
                             -L::min(),
                             L::max(),
                             L::lowest(),
                             L::denorm_min(),
                             -L::denorm_min(),
                             L::epsilon(),
                             L::infinity(),
                             -L::infinity(),
                             L::quiet_NaN(),
                             low,
                             high};
  for (const Scalar x : {low, high, Scalar(0.625), Scalar(-0.625), Scalar(0.70710678), Scalar(1.41421356)}) {
    out.push_back(std::nextafter(x, -L::infinity()));
    out.push_back(std::nextafter(x, L::infinity()));
  }
  const Random random(8);
  for (std::uint64_t i = 0; i < 12000; ++i) {
    const std::uint64_t bits = random.uint64(i);
    Scalar x;
    std::memcpy(&x, &bits, sizeof(x));
    out.push_back(x);
    out.push_back(static_cast<Scalar>(
        static_cast<double>(low) + (static_cast<double>(high) - static_cast<double>(low)) * random.fork(1).uniform(i)));
    out.push_back(static_cast<Scalar>(2 * random.fork(2).uniform(i) - 1));
  }
  return out;
}

template <class Scalar, class Isa, class F>
std::vector<Scalar> apply(const F& f, const std::vector<Scalar>& x, std::size_t from = 0) {
  using P = simd::Pack<Scalar, Isa>;
  std::vector<Scalar> y(x.size());
  simd::for_each_pack<P>(static_cast<Index>(x.size() - from), [&](Index i, Index n) {
    simd::store(f(simd::load<P>(x.data() + from + i, n)), y.data() + from + i, n);
  });
  return y;
}

/// Checks the maximum error in ulp of f, a generic function of packs, against the exact function; and that no result
/// depends on its position in a register.
template <class Scalar, class F, class Exact, class Skip>
void check_accuracy(double allowed, const F& f, const Exact& exact, Scalar low, Scalar high, const Skip& skip) {
  const std::vector<Scalar> x = arguments(low, high);
  std::vector<long double> expected;
  for (const Scalar at : x) expected.push_back(exact(static_cast<long double>(at)));
  const auto with = [&]<class Isa>(Isa) {
    INFO("Scalar of " << sizeof(Scalar) << " bytes, registers of " << Isa::bytes);
    const auto y = apply<Scalar, Isa>(f, x);
    double worst = 0;
    Scalar worst_at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (skip(x[i], y[i])) continue;
      const double error = testing::ulp_error(y[i], expected[i]);
      if (error <= worst) continue;
      worst = error;
      worst_at = x[i];
    }
    INFO("worst at " << worst_at);
    CHECK(worst <= allowed);
    for (std::size_t shift = 1; shift < 5; ++shift) {
      const auto shifted = apply<Scalar, Isa>(f, x, shift);
      std::size_t different = 0;
      for (std::size_t i = shift; i < x.size(); ++i) {
        different += !std::isnan(y[i]) && std::memcmp(&y[i], &shifted[i], sizeof(Scalar)) != 0;
      }
      CHECK(different == 0);
    }
  };
  with(simd::Generic<16>());
  with(simd::Generic<32>());
  with(simd::Generic<64>());
  with(simd::NativeIsa());
}

constexpr auto none = [](auto, auto) { return false; };

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
template <class Scalar>
constexpr double gelu_bound = 8;
#else
template <class Scalar>
constexpr double gelu_bound = sizeof(Scalar) == 4 ? 128 : 1024;
#endif
constexpr auto exact_gelu = [](long double x) {
  if (std::isinf(x)) return x > 0 ? x : -0.0L;
  return 0.5L * x * std::erfc(-x * 0.707106781186547524400844362104849039L);
};
constexpr auto exact_gelu_slope = [](long double x) {
  if (std::isinf(x)) return x > 0 ? 1.0L : 0.0L;
  return 0.5L * std::erfc(-x * 0.707106781186547524400844362104849039L) +
         x * std::exp(-0.5L * x * x) * 0.398942280401432677939946059934381868L;
};

/// The maximum error in ulp over every `stride`-th of all 2^32 floats, against the C library in double.
template <class F>
double worst_error(std::uint64_t stride, const F& f, double (*exact)(double)) {
  using P = simd::Pack<float>;
  double worst = 0;
  std::vector<float> x(4096), y(4096);
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32);) {
    for (float& at : x) {
      const auto low = static_cast<std::uint32_t>(bits);
      std::memcpy(&at, &low, sizeof(at));
      bits += stride;
    }
    for (std::size_t i = 0; i < x.size(); i += P::width) f(P::load(x.data() + i)).store(y.data() + i);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = exact(static_cast<double>(x[i]));
      if (static_cast<double>(y[i]) != expected) worst = std::max(worst, testing::ulp_error(y[i], expected));
    }
  }
  return worst;
}

void check_floats(std::uint64_t stride) {
  const auto check = [&](double allowed, const char* name, const auto& f, double (*exact)(double)) {
    const double worst = worst_error(stride, f, exact);
    INFO(name << " errs by " << worst << " ulp");
    if (stride == 1) WARN(name << " errs by " << worst << " ulp");
    CHECK(worst <= allowed);
  };
  check(
      2, "exp", [](auto x) { return exp(x); }, [](double x) { return std::exp(x); });
  check(
      2, "exp_nonpositive", [](auto x) { return exp_nonpositive(-abs(x)); },
      [](double x) { return std::exp(-std::abs(x)); });
  check(
      2, "log", [](auto x) { return log(x); }, [](double x) { return std::log(x); });
  check(
      4, "tanh", [](auto x) { return tanh(x); }, [](double x) { return std::tanh(x); });
  check(
      4, "sigmoid", [](auto x) { return sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); });
  check(
      gelu_bound<float>, "gelu", [](auto x) { return gelu(x); },
      [](double x) { return static_cast<double>(exact_gelu(x)); });
}

TEST_CASE("exp has an error of at most 2 ulp everywhere") {
  const auto f = [](auto x) { return exp(x); };
  const auto exact = [](long double x) { return std::exp(x); };
  check_accuracy<float>(2, f, exact, -104.0f, 89.0f, none);
  check_accuracy<double>(2, f, exact, -746.0, 710.0, none);
}

TEST_CASE("log has an error of at most 2 ulp everywhere") {
  const auto f = [](auto x) { return log(x); };
  const auto exact = [](long double x) { return std::log(x); };
  check_accuracy<float>(2, f, exact, 0.0f, 4.0f, none);
  check_accuracy<double>(2, f, exact, 0.0, 4.0, none);
}

TEST_CASE("tanh has an error of at most 4 ulp everywhere") {
  const auto f = [](auto x) { return tanh(x); };
  const auto exact = [](long double x) { return std::tanh(x); };
  check_accuracy<float>(4, f, exact, -10.0f, 10.0f, none);
  check_accuracy<double>(4, f, exact, -20.0, 20.0, none);
}

TEST_CASE("exp_nonpositive has an error of at most 2 ulp") {
  const auto f = [](auto x) { return exp_nonpositive(x); };
  const auto exact = [](long double x) { return std::exp(x); };
  const auto positive = [](auto x, auto) { return x > 0; };
  check_accuracy<float>(2, f, exact, -104.0f, 0.0f, positive);
  check_accuracy<double>(2, f, exact, -746.0, 0.0, positive);
}

TEST_CASE("sigmoid has an error of at most 4 ulp everywhere") {
  const auto f = [](auto x) { return sigmoid(x); };
  const auto exact = [](long double x) { return 1 / (1 + std::exp(-x)); };
  check_accuracy<float>(4, f, exact, -104.0f, 20.0f, none);
  check_accuracy<double>(4, f, exact, -746.0, 40.0, none);
}

TEST_CASE("gelu is accurate everywhere, also far below 0") {
  const auto f = [](auto x) { return gelu(x); };
  check_accuracy<float>(gelu_bound<float>, f, exact_gelu, -15.0f, 6.0f, none);
  check_accuracy<double>(gelu_bound<double>, f, exact_gelu, -39.0, 9.0, none);
}

TEST_CASE("gelu_slope has an absolute error of at most 4 units in the last place of 1") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto x = arguments<Scalar>(-12, 12);
    const auto y = apply<Scalar, Isa>([](auto pack) { return gelu_slope(pack); }, x);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i])) continue;
      const double error = std::abs(static_cast<double>(static_cast<long double>(y[i]) - exact_gelu_slope(x[i])));
      worst = std::isnan(error) ? 1 : std::max(worst, error);
    }
    CHECK(worst <= 4 * static_cast<double>(Limits<Scalar>::epsilon()));
  });
}

TEST_CASE("every float's error is within the bound", "[.exhaustive]") { check_floats(1); }
TEST_CASE("every 4099th float's error is within the bound") { check_floats(4099); }

TEST_CASE("functions are exact at zero and infinity, and NaN for NaN") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    constexpr Scalar infinity = Limits<Scalar>::infinity(), nan = Limits<Scalar>::quiet_NaN();
    CHECK(exp(P(-infinity))[0] == 0);
    CHECK(exp(P(infinity))[0] == infinity);
    CHECK(exp(P(Scalar(0)))[0] == 1);
    CHECK(exp(P(-Scalar(0)))[0] == 1);
    CHECK(log(P(Scalar(0)))[0] == -infinity);
    CHECK(log(P(-Scalar(0)))[0] == -infinity);
    CHECK(log(P(infinity))[0] == infinity);
    CHECK(log(P(Scalar(1)))[0] == 0);
    CHECK(std::isnan(log(P(-Limits<Scalar>::denorm_min()))[0]));
    CHECK(std::isnan(log(P(-infinity))[0]));
    CHECK(tanh(P(infinity))[0] == 1);
    CHECK(tanh(P(-infinity))[0] == -1);
    CHECK((tanh(P(-Scalar(0)))[0] == 0 && std::signbit(tanh(P(-Scalar(0)))[0])));
    CHECK(sigmoid(P(infinity))[0] == 1);
    CHECK(sigmoid(P(-infinity))[0] == 0);
    CHECK(sigmoid(P(Scalar(0)))[0] == Scalar(0.5));
    CHECK(exp_nonpositive(P(-infinity))[0] == 0);
    CHECK(exp_nonpositive(P(-Scalar(0)))[0] == 1);
    CHECK(gelu(P(infinity))[0] == infinity);
    CHECK(gelu(P(-infinity))[0] == 0);
    CHECK(gelu_slope(P(infinity))[0] == 1);
    CHECK(gelu_slope(P(-infinity))[0] == 0);
    for (const P y : {exp(P(nan)), log(P(nan)), tanh(P(nan)), sigmoid(P(nan)), gelu(P(nan)), exp_nonpositive(P(nan)),
                      gelu_slope(P(nan))}) {
      for (Index i = 0; i < P::width; ++i) CHECK(std::isnan(y[i]));
    }
  });
}

}  // namespace HEED_TEST_UNIT
