// SPDX-License-Identifier: Apache-2.0
#include "heed/simd/random.hpp"

#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a register of random blocks holds the blocks of its counters") {
  const auto check = []<class Isa>(Isa) {
    INFO("registers of " << Isa::bytes);
    Index different = 0;
    for (std::uint64_t i = 0; i < 50; ++i) {
      const Random stream(Random(1).uint64(i));
      // Counters of any size, among them some that pass 2^32 within a register.
      const std::uint64_t counter = i % 2 == 0 ? Random(2).uint64(i) : (i << 32) - 2;
      typename simd::Philox<Isa>::Words block[4];
      simd::Philox<Isa>(stream).words(counter, block);
      for (Index lane = 0; lane < simd::Philox<Isa>::width; ++lane) {
        const auto expected = stream.words(counter + static_cast<std::uint64_t>(lane));
        for (std::size_t w = 0; w < 4; ++w) different += block[w][lane] != expected[w];
      }
    }
    CHECK(different == 0);
  };
  check(simd::Generic<16>());
  check(simd::Generic<32>());
  check(simd::Generic<64>());
  check(simd::NativeIsa());
}

}  // namespace HEED_TEST_UNIT
