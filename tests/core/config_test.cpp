// SPDX-License-Identifier: Apache-2.0
#include "heed/core/config.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace HEED_TEST_UNIT {

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

TEST_CASE("the version string agrees with the version macros") {
  CHECK(std::string(heed::version()) ==
        TEXT(HEED_VERSION_MAJOR) "." TEXT(HEED_VERSION_MINOR) "." TEXT(HEED_VERSION_PATCH));
}

TEST_CASE("the instruction set follows from the compiler's flags") {
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__FMA__)
  CHECK(std::string(heed::isa()) == "avx512");
#elif defined(__AVX2__) && defined(__FMA__)
  CHECK(std::string(heed::isa()) == "avx2");
#elif defined(__aarch64__)
  CHECK(std::string(heed::isa()) == "neon");
#else
  CHECK(std::string(heed::isa()) == "generic");
#endif
}

TEST_CASE("the ABI tag names version, instruction set and threads") {
  const std::string tag = TEXT(HEED_ABI);
  CHECK(tag.starts_with("v" TEXT(HEED_VERSION_MAJOR) "_" TEXT(HEED_VERSION_MINOR) "_"));
  CHECK(tag.find(std::string("_") + heed::isa() + "_a") != std::string::npos);
#ifdef _OPENMP
  CHECK(tag.ends_with("_omp"));
#else
  CHECK(tag.ends_with("_serial"));
#endif
}

TEST_CASE("symbols carry the tag and are found without it") {
  const heed::HEED_ABI::Index with = 3;
  const heed::Index without = with;
  CHECK(without == 3);
  CHECK(heed::Index(-1) < 0);
}

}  // namespace HEED_TEST_UNIT
