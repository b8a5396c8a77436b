// SPDX-License-Identifier: Apache-2.0
// Reads gzip files as a std::istream; plain files are read unchanged. Requires zlib.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <istream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/io/detail/decompress.hpp"

namespace heed::inline HEED_ABI::io {

namespace detail {

/// Calls inflate itself: zlib's gzread takes a damaged member after the first one for trailing garbage, and ignores it.
class GzipBuffer final : public DecompressBuffer {
 public:
  explicit GzipBuffer(InputFile file)
      : DecompressBuffer(std::move(file), [](std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }) {
    if (::inflateInit2(&zlib_, gzip_only) != Z_OK) fail<IoError>("read_gzip", file_.name(), ": out of memory");
  }
  ~GzipBuffer() override { ::inflateEnd(&zlib_); }

 private:
  static constexpr int gzip_only = 15 + 16;  // the largest window, and no format but gzip

  std::size_t decompress(std::span<char> out) override {
    zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib_.avail_out = static_cast<unsigned>(out.size());
    while (zlib_.avail_out != 0) {
      if (member_ended_ && !next_member()) break;
      const std::span<char> in = file_.bytes();
      zlib_.next_in = reinterpret_cast<Bytef*>(in.data());
      zlib_.avail_in = static_cast<unsigned>(in.size());
      const int status = ::inflate(&zlib_, Z_NO_FLUSH);
      file_.skip(in.size() - zlib_.avail_in);
      if (status == Z_BUF_ERROR) bad_member("the compressed data ends too early (truncated file)");
      if (status != Z_OK && status != Z_STREAM_END) bad_member(zlib_.msg != nullptr ? zlib_.msg : "out of memory");
      member_ended_ = status == Z_STREAM_END;
    }
    return out.size() - zlib_.avail_out;
  }
  /// Returns whether another member follows the one that ended. Zeros up to the end of the file do not count: they pad
  /// a file to whole blocks, and the gzip tool ignores them, too.
  bool next_member() {
    const std::size_t begin = file_.offset();
    std::span<char> bytes = file_.bytes();
    while (!bytes.empty() && bytes.front() == 0) {
      file_.skip(1);
      bytes = file_.bytes();
    }
    if (bytes.empty()) return false;
    if (file_.offset() != begin) {
      fail<IoError>("read_gzip", file_.name(), ": data at byte ", file_.offset(), " after padding with zeros");
    }
    member_ = begin;
    ::inflateReset(&zlib_);
    return true;
  }
  [[noreturn]] void bad_member(std::string_view what) const {
    fail<IoError>("read_gzip", file_.name(), ": in the gzip member at byte ", member_, ": ", what);
  }

  z_stream zlib_{};
  bool member_ended_ = false;
  std::size_t member_ = 0;  // where the current member begins in the file
};

}  // namespace detail

/// An input stream over `path`: decompresses gzip data (also several members) and reads other files unchanged.
/// Truncation, a wrong checksum, anything but zeros or a complete member after a member, or an unreadable file sets
/// badbit and throws IoError from the constructor or the read, including `std::getline`; only a complete file ends with
/// eof.
class GzipStream : public std::istream {
 public:
  explicit GzipStream(const std::string& path) : GzipStream(detail::InputFile(path)) {}
  explicit GzipStream(detail::InputFile file) : std::istream(nullptr), buffer_(std::move(file)) {
    rdbuf(&buffer_);
    exceptions(badbit);  // otherwise the stream catches the IoError and reports the end of input
  }

 private:
  detail::GzipBuffer buffer_;
};

}  // namespace heed::inline HEED_ABI::io
