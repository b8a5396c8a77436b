// SPDX-License-Identifier: Apache-2.0
// zstd input: complete files are read back, and damaged files are errors, not an end of file.
#include "heed/io/zstd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "heed/io/read_log.hpp"
#include "stream_text.hpp"
#include "temporary.hpp"

namespace HEED_TEST_UNIT {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using heed::IoError;
using heed::io::ZstdStream;

/// One frame, with a checksum as from the zstd tool. With `streamed`, it does not tell its size.
std::string zstd(const std::string& text, bool streamed = false, int window_log = 0) {
  ZSTD_CCtx* context = ::ZSTD_createCCtx();
  ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ::ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, streamed ? 0 : 1);
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_inBuffer from{text.data(), text.size(), 0};
  if (streamed) REQUIRE_FALSE(::ZSTD_isError(::ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue)));
  REQUIRE(::ZSTD_compressStream2(context, &to, &from, ZSTD_e_end) == 0);
  ::ZSTD_freeCCtx(context);
  return out.substr(0, to.pos);
}

std::string skippable(const std::string& bytes) {
  const auto size = static_cast<unsigned>(bytes.size());
  std::string out = "\x5c\x2a\x4d\x18";
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(size >> shift & 0xff);
  return out + bytes;
}

std::string lines_of(const std::string& bytes) { return heed::test::lines_of_file<ZstdStream>("a.zst", bytes); }

/// Fills several of the stream's buffers.
std::string long_text() { return heed::test::long_text(200'000); }

TEST_CASE("zstd: compressed and plain files read alike", "[io]") {
  const std::string text = long_text();
  const std::string packed = zstd(text), streamed = zstd(text, true);
  REQUIRE(packed.size() < text.size());
  REQUIRE(packed.size() > 3u << 16);
  CHECK(lines_of(packed) == text);
  CHECK(lines_of(streamed) == text);
  CHECK(lines_of(text) == text);
  CHECK(lines_of(packed + streamed) == text + text);  // several frames, as written by `cat a.zst b.zst`
  CHECK(lines_of(zstd("") + zstd("a\n") + zstd("")) == "a\n");
  CHECK(lines_of(zstd("")).empty());
  CHECK(lines_of("").empty());
  CHECK(lines_of("(") == "(\n");  // the first byte of zstd's magic number
  CHECK(lines_of(zstd("no newline")) == "no newline\n");
  std::string blank(std::size_t{3} << 16, ' ');  // whole buffers of the stream
  CHECK(lines_of(zstd(blank) + zstd("a")) == blank + "a\n");
}

TEST_CASE("zstd: skippable frames are left out, also the first one, as of pzstd", "[io]") {
  const std::string large = skippable(std::string(200'000, 'x'));
  CHECK(lines_of(skippable("size") + zstd("a\n") + skippable("") + large + zstd("b\n") + skippable("index")) ==
        "a\nb\n");
  CHECK(lines_of(large).empty());
  CHECK_THROWS_WITH(lines_of(zstd("a\n") + large.substr(0, large.size() - 1)), Contains("truncated"));
}

TEST_CASE("zstd: damage is an error with the file's name, never an end of file", "[io]") {
  const std::string packed = zstd(long_text(), true);
  for (const std::size_t kept :
       {std::size_t{2}, std::size_t{3}, std::size_t{5}, packed.size() / 2, packed.size() - 4, packed.size() - 1}) {
    CAPTURE(kept);
    CHECK_THROWS_WITH(lines_of(packed.substr(0, kept)), Contains("read_zstd: ") && Contains("truncated"));
  }
  std::string checksum = packed;
  checksum.back() ^= 1;
  CHECK_THROWS_WITH(lines_of(checksum), Contains("a.zst: in the zstd frame at byte 0: ") && Contains("checksum"));

  const std::string at = "in the zstd frame at byte " + std::to_string(packed.size()) + ": ";
  for (const char* trailing : {"x", "text", "a longer text", "\x25\xb5\x2f\xfd a frame of an old format"}) {
    CHECK_THROWS_WITH(lines_of(packed + trailing), Contains(at + "these bytes are no frame"));
  }
  CHECK_THROWS_WITH(lines_of(packed + std::string(512, '\0')), Contains(at + "these bytes are no frame"));

  CHECK_THROWS_WITH(ZstdStream("/nonexistent/u.data.zst"), Contains("/nonexistent/u.data.zst: No such file"));
  ZstdStream folder(fs::temp_directory_path().string());
  std::string line;
  CHECK_THROWS_WITH(std::getline(folder, line), Contains("directory"));
  CHECK(folder.bad());
}

TEST_CASE("zstd: every frame is checked, not only the first", "[io]") {
  const std::string first = zstd("a\nb\n"), second = zstd("c\nd\n");
  for (std::size_t kept = 2; kept < second.size(); ++kept) {
    CAPTURE(kept);
    CHECK_THROWS_WITH(lines_of(first + second.substr(0, kept)), Contains("truncated"));
  }
  CHECK_THROWS_WITH(lines_of(first + second.substr(0, 1)), Contains("these bytes are no frame"));
  for (std::size_t bit = 0; bit < 8 * second.size(); ++bit) {
    CAPTURE(bit);
    std::string damaged = second, text = "a\nb\nc\nd\n";
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    try {
      text = lines_of(first + damaged);
    } catch (const IoError&) {
    }
    CHECK(text == "a\nb\nc\nd\n");
  }
}

TEST_CASE("zstd: the window has a limit, so that a small file cannot take the memory", "[io]") {
  const std::string header("\x28\xb5\x2f\xfd\x00\x90", 6);  // a window of 2^28 bytes
  CHECK_THROWS_WITH(lines_of(header + std::string(20, '\0')), Contains("too much memory"));
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("a.zst"), zstd(long_text(), true, 20));
  ZstdStream(folder.file("a.zst"), 20).get();
  ZstdStream narrow(folder.file("a.zst"), 19);
  CHECK_THROWS_WITH(narrow.get(), Contains("too much memory"));
  CHECK_THROWS_AS(ZstdStream(folder.file("a.zst"), 99), heed::OptionError);
}

TEST_CASE("zstd: read_log reads files, tables of items and standard input", "[io][read_log]") {
  const temporary::Folder folder;
  const std::string log = folder.file("log.csv.zst"), items = folder.file("items.csv.zst");
  temporary::write_bytes(log, zstd("user_id,item_id\n") + zstd("u,a\nu,b\n"));
  temporary::write_bytes(items, zstd("item_id,description\na,Apple\nb,Bread\n"));
  const int before = ::dup(0), input = ::open(log.c_str(), O_RDONLY);
  REQUIRE(::dup2(input, 0) == 0);
  for (const std::string& path : {log, std::string("-")}) {
    const auto read = heed::io::read_log(path, {.format = heed::io::LogFormat::csv, .items = items});
    CHECK(read.size() == 2);
    CHECK(read.catalogue.items.name(read.item("b")) == "Bread");
  }
  REQUIRE(::dup2(before, 0) == 0);
  ::close(input), ::close(before);

  temporary::write_bytes(log, zstd(std::string("PK\x03\x04", 4)));
  CHECK_THROWS_WITH(heed::io::read_log(log), Contains("got a ZIP archive"));
  temporary::write_bytes(log, zstd("user_id,item_id\nu,a\n") + "x");
  CHECK_THROWS_WITH(heed::io::read_log(log, {.format = heed::io::LogFormat::csv}), Contains("log.csv.zst"));
}

}  // namespace HEED_TEST_UNIT
