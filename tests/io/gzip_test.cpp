// SPDX-License-Identifier: Apache-2.0
// gzip input: complete files are read back, and damaged files are errors, not an end of file.
#include "heed/io/gzip.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "stream_text.hpp"
#include "temporary.hpp"

namespace HEED_TEST_UNIT {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using heed::IoError;
using heed::io::GzipStream;

std::string gzip(const std::string& text) {
  const temporary::Folder folder;
  gzFile out = ::gzopen(folder.file("a.gz").c_str(), "wb");
  ::gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  ::gzclose(out);
  return temporary::read_bytes(folder.file("a.gz"));
}

std::string lines_of(const std::string& bytes) { return heed::test::lines_of_file<GzipStream>("a.gz", bytes); }

/// Fills several of the stream's buffers.
std::string long_text() { return heed::test::long_text(100'000); }

TEST_CASE("gzip: compressed and plain files read alike", "[io]") {
  const std::string text = long_text();
  const std::string packed = gzip(text);
  REQUIRE(packed.size() < text.size());
  CHECK(lines_of(packed) == text);
  CHECK(lines_of(text) == text);
  CHECK(lines_of(packed + packed) == text + text);  // several members, as written by `cat a.gz b.gz`
  CHECK(lines_of(gzip("")).empty());
  CHECK(lines_of("").empty());
  CHECK(lines_of(gzip("no newline")) == "no newline\n");
}

TEST_CASE("gzip: damage is an error with the file's name, never an end of file", "[io]") {
  const std::string packed = gzip(long_text());
  for (const std::size_t kept :
       {std::size_t{5}, std::size_t{20}, packed.size() / 2, packed.size() - 8, packed.size() - 1}) {
    CAPTURE(kept);
    CHECK_THROWS_WITH(lines_of(packed.substr(0, kept)), Contains("read_gzip") && Contains("truncated"));
  }
  std::string checksum = packed;
  checksum[packed.size() - 8] ^= 1;  // the CRC-32 of the text
  CHECK_THROWS_WITH(lines_of(checksum), Contains("incorrect data check"));
  std::string length = packed;
  length[packed.size() - 1] ^= 1;
  CHECK_THROWS_WITH(lines_of(length), Contains("incorrect length check"));
  std::string body = packed;
  for (std::size_t i = 1000; i < 1100; ++i) body[i] ^= 0x55;
  CHECK_THROWS_AS(lines_of(body), IoError);

  CHECK_THROWS_WITH(lines_of(packed + "text"), Contains("gzip member at byte " + std::to_string(packed.size())));

  CHECK_THROWS_WITH(GzipStream("/nonexistent/u.data.gz"), Contains("/nonexistent/u.data.gz: No such file"));
  GzipStream folder(fs::temp_directory_path().string());
  std::string line;
  CHECK_THROWS_WITH(std::getline(folder, line), Contains("directory"));
  CHECK(folder.bad());
}

TEST_CASE("gzip: every member is checked, not only the first", "[io]") {
  const std::string first = gzip("a\nb\n"), second = gzip("c\nd\n");
  for (std::size_t kept = 1; kept < second.size(); ++kept) {
    CAPTURE(kept);
    CHECK_THROWS_WITH(lines_of(first + second.substr(0, kept)), Contains("truncated"));
  }
  std::size_t errors = 0;
  for (std::size_t bit = 0; bit < 8 * second.size(); ++bit) {
    CAPTURE(bit);
    std::string damaged = second, text = "a\nb\nc\nd\n";
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    try {
      text = lines_of(first + damaged);
    } catch (const IoError&) {
      ++errors;
    }
    CHECK(text == "a\nb\nc\nd\n");
  }
  // Nothing checks the time stamp and the two bytes after it, the flag of a text, and up to 7 bits after the last code.
  CHECK(errors >= 8 * second.size() - 8 * 6 - 1 - 7);
}

TEST_CASE("gzip: zeros pad a file, and nothing follows them", "[io]") {
  const std::string packed = gzip("a\n"), zeros(200'000, '\0');
  CHECK(lines_of(packed + packed + zeros) == "a\na\n");
  CHECK_THROWS_WITH(lines_of(packed + zeros + packed),
                    Contains("data at byte " + std::to_string(packed.size() + zeros.size()) + " after padding"));
  CHECK_THROWS_WITH(lines_of(packed + zeros + "x"), Contains("after padding"));
}

}  // namespace HEED_TEST_UNIT
