// SPDX-License-Identifier: Apache-2.0
// Reads gzip files as a std::istream; plain files are read unchanged. Requires zlib.
#pragma once

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <istream>
#include <memory>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"

namespace heed::inline HEED_ABI::io {

namespace detail {

/// Calls inflate itself: zlib's gzread takes a damaged member after the first one for trailing garbage, and ignores it.
class GzipBuffer : public std::streambuf {
 public:
  explicit GzipBuffer(const std::string& path)
      : path_(printable(path, std::string::npos)), file_(std::fopen(path.c_str(), "rb")) {
    if (!file_) fail<IoError>("read_gzip", path_, ": ", std::strerror(errno));
    if (::inflateInit2(&zlib_, gzip_only) != Z_OK) fail<IoError>("read_gzip", path_, ": out of memory");
  }
  GzipBuffer(const GzipBuffer&) = delete;
  GzipBuffer& operator=(const GzipBuffer&) = delete;
  ~GzipBuffer() override { ::inflateEnd(&zlib_); }

 protected:
  int_type underflow() override {
    if (format_ == Format::unknown) {
      refill();
      const bool packed = zlib_.avail_in >= 2 && zlib_.next_in[0] == 0x1f && zlib_.next_in[1] == 0x8b;
      format_ = packed ? Format::gzip : Format::plain;
    } else if (format_ == Format::plain) {
      refill();
    }
    char* const begin = reinterpret_cast<char*>(format_ == Format::gzip ? output_.data() : zlib_.next_in);
    const std::size_t count = format_ == Format::gzip ? inflate_some() : std::exchange(zlib_.avail_in, 0u);
    if (count == 0) return traits_type::eof();
    setg(begin, begin, begin + count);
    return traits_type::to_int_type(*begin);
  }

 private:
  static constexpr int gzip_only = 15 + 16;  // the largest window, and no format but gzip

  /// Reads the next part of the file; leaves `avail_in` at 0 at the end of the file.
  void refill() {
    const std::size_t count = std::fread(input_.data(), 1, input_.size(), file_.get());
    if (std::ferror(file_.get()) != 0) fail<IoError>("read_gzip", path_, ": ", std::strerror(errno));
    bytes_read_ += count;
    zlib_.next_in = input_.data();
    zlib_.avail_in = static_cast<unsigned>(count);
  }
  std::size_t offset() const { return bytes_read_ - zlib_.avail_in; }

  /// Fills `output_` and returns the number of bytes; 0 at the end of the last member.
  std::size_t inflate_some() {
    zlib_.next_out = output_.data();
    zlib_.avail_out = static_cast<unsigned>(output_.size());
    while (zlib_.avail_out != 0) {
      if (zlib_.avail_in == 0) refill();
      if (member_ended_ && !next_member()) break;
      const int status = ::inflate(&zlib_, Z_NO_FLUSH);
      if (status == Z_BUF_ERROR) bad_member("the compressed data ends too early (truncated file)");
      if (status != Z_OK && status != Z_STREAM_END) bad_member(zlib_.msg != nullptr ? zlib_.msg : "out of memory");
      member_ended_ = status == Z_STREAM_END;
    }
    return output_.size() - zlib_.avail_out;
  }
  /// Returns whether another member follows the one that ended. Zeros up to the end of the file do not count: they pad
  /// a file to whole blocks, and the gzip tool ignores them, too.
  bool next_member() {
    const std::size_t begin = offset();
    while (zlib_.avail_in != 0 && *zlib_.next_in == 0) {
      ++zlib_.next_in;
      if (--zlib_.avail_in == 0) refill();
    }
    if (zlib_.avail_in == 0) return false;
    if (offset() != begin) fail<IoError>("read_gzip", path_, ": data at byte ", offset(), " after padding with zeros");
    member_ = begin;
    ::inflateReset(&zlib_);
    return true;
  }
  [[noreturn]] void bad_member(std::string_view what) const {
    fail<IoError>("read_gzip", path_, ": in the gzip member at byte ", member_, ": ", what);
  }

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  enum class Format { unknown, plain, gzip };

  std::string path_;  // printable
  std::unique_ptr<std::FILE, Close> file_;
  z_stream zlib_{};
  Format format_ = Format::unknown;
  bool member_ended_ = false;
  std::size_t member_ = 0;      // where the current member begins in the file
  std::size_t bytes_read_ = 0;  // of the file
  std::array<Bytef, 1u << 16> input_, output_;
};

}  // namespace detail

/// An input stream over `path`: decompresses gzip data (also several members) and reads other files unchanged.
/// Truncation, a wrong checksum, anything but zeros or a complete member after a member, or an unreadable file sets
/// badbit and throws IoError from the constructor or the read, including `std::getline`; only a complete file ends with
/// eof.
class GzipStream : public std::istream {
 public:
  explicit GzipStream(const std::string& path) : std::istream(nullptr), buffer_(path) {
    rdbuf(&buffer_);
    exceptions(badbit);  // otherwise the stream catches the IoError and reports the end of input
  }

 private:
  detail::GzipBuffer buffer_;
};

}  // namespace heed::inline HEED_ABI::io
