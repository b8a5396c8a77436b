// SPDX-License-Identifier: Apache-2.0
#include "heed/simd/isa.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <type_traits>

#include "heed/simd/pack.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("the native tag follows from the compiler's flags") {
  const std::string name = isa();
  CHECK((name == "avx512") == (std::is_same_v<simd::NativeIsa, simd::Avx512>));
  CHECK((name == "avx2") == (std::is_same_v<simd::NativeIsa, simd::Avx2>));
  CHECK((name == "neon") == (std::is_same_v<simd::NativeIsa, simd::Neon>));
}

TEST_CASE("a register holds as many numbers as its bytes allow") {
  const auto check = []<class Isa>(Isa) {
    CHECK(simd::Pack<float, Isa>::width == Isa::bytes / 4);
    CHECK(simd::Pack<double, Isa>::width == Isa::bytes / 8);
    CHECK(sizeof(simd::Pack<float, Isa>) == static_cast<std::size_t>(Isa::bytes));
    CHECK(sizeof(typename simd::Pack<double, Isa>::Mask) == static_cast<std::size_t>(Isa::bytes));
  };
  check(simd::Generic<16>());
  check(simd::Generic<32>());
  check(simd::Generic<64>());
  check(simd::NativeIsa());
}

}  // namespace HEED_TEST_UNIT
