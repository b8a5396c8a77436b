// SPDX-License-Identifier: Apache-2.0
#include "heed/io/detail/float16.hpp"

#include <catch2/catch.hpp>
#include <cmath>

namespace HEED_TEST_UNIT {

using heed::io::detail::Float16;

TEST_CASE("a float16 of any bits converts to float exactly") {
  bool exact = true;
  for (int bits = 0; bits < 0x10000; ++bits) {
    const auto x = static_cast<float>(Float16{static_cast<std::uint16_t>(bits)});
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    exact = exact && std::signbit(x) == (bits >= 0x8000);
    if (exponent == 31) {
      exact = exact && (fraction == 0 ? std::isinf(x) : std::isnan(x));
    } else {
      // The definition: subnormals have the exponent of 1 and no leading 1.
      const double wanted = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      exact = exact && static_cast<double>(std::abs(x)) == wanted;
    }
  }
  CHECK(exact);
  CHECK(static_cast<float>(Float16{0x3c00}) == 1);
  CHECK(static_cast<float>(Float16{0x7bff}) == 65504);  // the largest
  CHECK(std::bit_cast<std::uint32_t>(static_cast<float>(Float16{0xfe55})) == 0xffcaa000);
  STATIC_REQUIRE(sizeof(Float16) == 2);
}

}  // namespace HEED_TEST_UNIT
