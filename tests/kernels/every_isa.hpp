// SPDX-License-Identifier: Apache-2.0
// Runs a kernel's check at every register width, in both precisions.
#pragma once

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "heed/core/random.hpp"
#include "heed/simd/pack.hpp"
#include "heed/testing/allclose.hpp"

namespace heed::test {

/// Calls `check.template operator()<Scalar, Isa>()` for float and double, with the generic registers of 16, 32 and 64
/// bytes and the machine's own.
template <class Check>
void for_every_isa(const Check& check) {
  const auto with = [&]<class Scalar>() {
    {
      INFO("generic, 16 bytes");
      check.template operator()<Scalar, simd::Generic<16>>();
    }
    {
      INFO("generic, 32 bytes");
      check.template operator()<Scalar, simd::Generic<32>>();
    }
    {
      INFO("generic, 64 bytes");
      check.template operator()<Scalar, simd::Generic<64>>();
    }
    {
      INFO(isa());
      check.template operator()<Scalar, simd::NativeIsa>();
    }
  };
  {
    INFO("float");
    with.template operator()<float>();
  }
  {
    INFO("double");
    with.template operator()<double>();
  }
}

/// Returns sizes at the edges of loops over registers: 0, 1, and around one and two registers.
template <class Scalar, class Isa>
std::vector<Index> sizes_around_width() {
  constexpr Index width = simd::Pack<Scalar, Isa>::width;
  return {0, 1, width - 1, width, width + 1, 2 * width, 2 * width + 3};
}

/// Returns the greatest error, relative to the largest element, that rounding explains.
template <class Scalar>
constexpr double tolerance(double in_float = 2e-6, double in_double = 1e-14) {
  return sizeof(Scalar) == 4 ? in_float : in_double;
}

/// Returns normal numbers, the same in both precisions up to rounding.
template <class Scalar>
Tensor<Scalar> normal_as(const Shape& shape, std::string_view name, Scalar standard_deviation = 1) {
  return Tensor<Scalar>::normal(shape, Random(3).fork(name), standard_deviation);
}

/// Converts inputs for the references, which are in double.
template <class Scalar>
Tensor<double> to_double(const Tensor<Scalar>& x) {
  Tensor<double> out(x.shape());
  for (Index i = 0; i < x.size(); ++i) out.data()[i] = static_cast<double>(x.data()[i]);
  return out;
}

/// Checks that `sum` is the sum of `terms`, up to rounding.
template <class Scalar>
void check_sum(Scalar sum, const Tensor<double>& terms) {
  const double exact = std::accumulate(terms.data(), terms.data() + terms.size(), 0.0);
  CHECK(static_cast<double>(sum) == Approx(exact).epsilon(tolerance<Scalar>()));
}

/// Checks that `got` and `expected` agree to `allowed`; reports where they differ.
template <class A, class B>
void check_close(const A& got, const B& expected, double allowed) {
  const auto result = testing::allclose(got, expected, allowed);
  INFO(result.message());
  CHECK(result);
}

}  // namespace heed::test
