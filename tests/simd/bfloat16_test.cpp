// SPDX-License-Identifier: Apache-2.0
#include "heed/simd/bfloat16.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

template <class Isa>
void check_load() {
  using P = simd::Pack<float, Isa>;
  std::vector<Bfloat16> numbers;
  for (int i = 0; i < P::width; ++i) numbers.emplace_back(i % 2 == 0 ? 1.5f * static_cast<float>(i) : -1e30f);
  for (Index n = 0; n <= P::width; ++n) {
    // Exactly n elements, so that a sanitizer reports a read beyond them.
    const std::vector<Bfloat16> first(numbers.begin(), numbers.begin() + n);
    const P got = simd::load<P>(first.data(), n);
    for (Index i = 0; i < P::width; ++i) {
      CHECK(got[i] == (i < n ? static_cast<float>(numbers[static_cast<std::size_t>(i)]) : 0.0f));
    }
  }
}

}  // namespace

TEST_CASE("bfloat16 numbers are loaded as floats, at every width and count") {
  check_load<simd::Generic<16>>();
  check_load<simd::Generic<32>>();
  check_load<simd::Generic<64>>();
  check_load<simd::NativeIsa>();
}

}  // namespace HEED_TEST_UNIT
