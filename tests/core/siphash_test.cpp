// SPDX-License-Identifier: Apache-2.0
// Values of CPython 3.11, whose hash of bytes is SipHash-1-3 with a key that PYTHONHASHSEED determines.
#include "heed/core/siphash.hpp"

#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <string_view>

namespace HEED_TEST_UNIT {

using heed::detail::siphash;
using heed::detail::SipKey;

std::string counting(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i);
  return text;
}

TEST_CASE("siphash: the values of another implementation", "[core]") {
  const SipKey zeros{}, seed1{0xaed66ce184be2329, 0xebe9bbf1f1499052};
  CHECK(siphash(counting(1), zeros) == 0x68a914128e01e473);
  CHECK(siphash(counting(7), zeros) == 0x2f098ab0c751325a);
  CHECK(siphash(counting(8), zeros) == 0xead411e67ebe2eea);
  CHECK(siphash(counting(15), zeros) == 0xf30eb725bb91c9ea);
  CHECK(siphash(counting(63), zeros) == 0x385d3e39e5f37359);
  CHECK(siphash(counting(1), seed1) == 0xecd3e5afcecda4b9);
  CHECK(siphash(counting(7), seed1) == 0xfd15e78052a69ddf);
  CHECK(siphash(counting(8), seed1) == 0xc0b5739e7e28dd01);
  CHECK(siphash(counting(15), seed1) == 0xfa87985f39e97a53);
  CHECK(siphash(counting(63), seed1) == 0x542052345bc68274);
}

TEST_CASE("siphash: equal texts have equal hashes wherever they are in memory", "[core]") {
  const SipKey key{1, 2};
  const std::string text = "xxxxx" + counting(13);
  CHECK(siphash(std::string_view(text).substr(5), key) == siphash(counting(13), key));
  CHECK(siphash("", key) != siphash("", {2, 1}));
}

}  // namespace HEED_TEST_UNIT
