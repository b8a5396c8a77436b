// SPDX-License-Identifier: Apache-2.0
// Reads zstd files as a std::istream; plain files are read unchanged. Requires libzstd 1.4 (CMake: heed::zstd), with
// which also read_log.hpp reads them.
#pragma once

#include <zstd.h>

#include <cstddef>
#include <istream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/io/detail/decompress.hpp"

#if ZSTD_VERSION_NUMBER < 10400
#error "heed/io/zstd.hpp needs libzstd 1.4.0 or later"
#endif

namespace heed::inline HEED_ABI::io {

namespace detail {

class ZstdBuffer final : public DecompressBuffer {
 public:
  ZstdBuffer(InputFile file, int window_log) : DecompressBuffer(std::move(file), is_zstd), zstd_(::ZSTD_createDCtx()) {
    if (!zstd_) fail<IoError>("read_zstd", file_.name(), ": out of memory");
    const std::size_t status = ::ZSTD_DCtx_setParameter(zstd_.get(), ZSTD_d_windowLogMax, window_log);
    if (::ZSTD_isError(status)) {
      fail<OptionError>("read_zstd", "window_log ", window_log, ": ", ::ZSTD_getErrorName(status));
    }
  }

 private:
  std::size_t decompress(std::span<char> text) override {
    ZSTD_outBuffer out{text.data(), text.size(), 0};
    while (out.pos < out.size) {
      if (frame_ended_ && !next_frame()) break;
      const std::span<char> bytes = file_.bytes();
      ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
      const std::size_t before = out.pos;
      const std::size_t status = ::ZSTD_decompressStream(zstd_.get(), &out, &in);
      if (::ZSTD_isError(status)) bad_frame(::ZSTD_getErrorName(status));
      file_.skip(in.pos);
      frame_ended_ = status == 0;
      // Text may remain in zstd's buffer when the file has been read.
      if (!frame_ended_ && bytes.empty() && out.pos == before) {
        bad_frame("the compressed data ends too early (truncated file)");
      }
    }
    return out.pos;
  }
  /// Returns whether a frame follows the one that ended. It must have today's magic number: libzstd may be built with
  /// the decoders of its old formats.
  bool next_frame() {
    const std::span<char> bytes = file_.bytes(4);
    if (bytes.empty()) return false;
    frame_ = file_.offset();
    if (!is_zstd({bytes.data(), bytes.size()})) bad_frame("these bytes are no frame");
    return true;
  }
  [[noreturn]] void bad_frame(std::string_view what) const {
    fail<IoError>("read_zstd", file_.name(), ": in the zstd frame at byte ", frame_, ": ", what);
  }

  struct Free {
    void operator()(ZSTD_DCtx* zstd) const { ::ZSTD_freeDCtx(zstd); }
  };

  std::unique_ptr<ZSTD_DCtx, Free> zstd_;
  bool frame_ended_ = true;
  std::size_t frame_ = 0;  // where the current frame begins in the file
};

}  // namespace detail

/// An input stream over `path`: decompresses zstd data (also several frames and skippable ones) and reads other files
/// unchanged. Truncation, a wrong checksum, anything but a complete frame after a frame, a frame whose window is larger
/// than 2^window_log bytes, or an unreadable file sets badbit and throws IoError from the constructor or the read,
/// including `std::getline`; only a complete file ends with eof. It takes as much memory as the window. The default
/// suits all files but those of `zstd --long=28` or more.
class ZstdStream : public std::istream {
 public:
  explicit ZstdStream(const std::string& path, int window_log = 27) : ZstdStream(detail::InputFile(path), window_log) {}
  explicit ZstdStream(detail::InputFile file, int window_log = 27)
      : std::istream(nullptr), buffer_(std::move(file), window_log) {
    rdbuf(&buffer_);
    exceptions(badbit);  // otherwise the stream catches the IoError and reports the end of input
  }

 private:
  detail::ZstdBuffer buffer_;
};

}  // namespace heed::inline HEED_ABI::io
