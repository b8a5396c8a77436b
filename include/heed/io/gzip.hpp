// SPDX-License-Identifier: Apache-2.0
// Reads gzip files as a std::istream; plain files are read unchanged. Requires zlib.
#pragma once

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <istream>
#include <memory>
#include <streambuf>
#include <string>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI::io {

namespace detail {

class GzipBuffer : public std::streambuf {
 public:
  explicit GzipBuffer(const std::string& path) : path_(path) {
    errno = 0;
    file_.reset(::gzopen(path.c_str(), "rb"));
    if (!file_) bad(errno != 0 ? std::strerror(errno) : "out of memory");
    ::gzbuffer(file_.get(), 1u << 17);
  }

 protected:
  int_type underflow() override {
    const int count = ::gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
    int status = Z_OK;
    const char* reason = ::gzerror(file_.get(), &status);
    // For a truncated file, zlib returns the available data and then Z_BUF_ERROR, as more input might follow.
    if (status == Z_BUF_ERROR) bad("the compressed data ends too early (truncated file)");
    if (status == Z_ERRNO) bad(std::strerror(errno));
    if (count < 0 || status < 0) bad(reason);
    if (count == 0) return traits_type::eof();
    setg(buffer_.data(), buffer_.data(), buffer_.data() + count);
    return traits_type::to_int_type(*gptr());
  }

 private:
  [[noreturn]] void bad(std::string_view what) const { fail<IoError>("read_gzip", path_, ": ", what); }

  struct Close {
    void operator()(gzFile file) const { ::gzclose_r(file); }
  };

  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::array<char, 1u << 16> buffer_;
};

}  // namespace detail

/// An input stream over `path`: decompresses gzip data (also several members) and reads other files unchanged.
/// Truncation, a wrong checksum or an unreadable file sets badbit and throws IoError from the constructor or the read,
/// including `std::getline`; only a complete file ends with eof.
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
