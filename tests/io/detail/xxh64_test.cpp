// SPDX-License-Identifier: Apache-2.0
#include "heed/io/detail/xxh64.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace HEED_TEST_UNIT {

std::uint64_t hash(const std::string& text, std::size_t cut = 0) {
  heed::io::detail::Xxh64 out;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  out.update(bytes.first(cut));
  out.update(bytes.subspan(cut));
  return out.digest();
}

TEST_CASE("XXH64 has the published digests") {
  CHECK(hash("") == 0xEF46DB3751D8E999);
  CHECK(hash("a") == 0xD24EC4F1A98C6E5B);
  CHECK(hash("abc") == 0x44BC2CF5AD770999);
  CHECK(hash("Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1);
}

TEST_CASE("XXH64 does not depend on how the bytes are divided") {
  std::string text;
  for (int i = 0; i < 200; ++i) text += static_cast<char>(i * 37);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) CHECK(hash(text, cut) == hash(text));
}

}  // namespace HEED_TEST_UNIT
