// SPDX-License-Identifier: Apache-2.0
// read_log without libzstd, in the program of the tests that have it: the linker must keep the two apart.
#undef HEED_HAVE_ZSTD
#include <catch2/catch.hpp>
#include <string>

#include "heed/io/read_log.hpp"
#include "temporary.hpp"

namespace HEED_TEST_UNIT {

TEST_CASE("without libzstd, read_log says what a zstd file wants", "[io][read_log]") {
  const temporary::Folder folder;
  const std::string path = folder.file("log.zst");
  for (const char* begin : {"\x28\xb5\x2f\xfd\x04", "\x50\x2a\x4d\x18\x01"}) {
    temporary::write_bytes(path, begin);
    CHECK_THROWS_WITH(heed::io::read_log(path),
                      Catch::StartsWith("read_log: " + path + ": is compressed with zstd: wanted a program that is ") &&
                          Catch::Contains("libzstd-dev"));
  }
  // The name alone says nothing.
  temporary::write_bytes(path, "u a\nu b\n");
  CHECK(heed::io::read_log(path, {.format = heed::io::LogFormat::user_item}).size() == 2);
  CHECK_THROWS_WITH(heed::io::read_log("/nonexistent/log.zst"), Catch::Contains("log.zst: No such file"));
}

}  // namespace HEED_TEST_UNIT
