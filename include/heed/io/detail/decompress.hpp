// SPDX-License-Identifier: Apache-2.0
// What the streams over compressed files share: the file, and the buffer that reads it as text.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"

namespace heed::inline HEED_ABI::io::detail {

/// A file that is read forward once, so that a pipe will do; what was looked at can be handed on with it.
class InputFile {
 public:
  /// Opens `path`. Throws IoError when it cannot be opened.
  explicit InputFile(const std::string& path)
      : name_(printable(path, std::string::npos)), file_(std::fopen(path.c_str(), "rb")), buffer_(1u << 16) {
    if (!file_) fail<IoError>("open", name_, ": ", std::strerror(errno));
  }

  /// Returns the bytes that follow; fewer than `wanted` (at most 65,536) only at the end of the file. They stay where
  /// they are until the next call. Throws IoError when reading fails.
  std::span<char> bytes(std::size_t wanted = 1) {
    if (end_ - begin_ < wanted) {
      std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
      end_ -= std::exchange(begin_, 0);
      const std::size_t count = std::fread(buffer_.data() + end_, 1, buffer_.size() - end_, file_.get());
      if (std::ferror(file_.get()) != 0) fail<IoError>("read", name_, ": ", std::strerror(errno));
      end_ += count;
      read_ += count;
    }
    return {buffer_.data() + begin_, end_ - begin_};
  }
  void skip(std::size_t count) { begin_ += count; }

  /// Returns where `bytes` begins in the file.
  std::size_t offset() const { return read_ - (end_ - begin_); }
  /// Returns the path for errors: `printable`.
  const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of the bytes in the buffer that follow
  std::size_t read_ = 0;             // of the file
};

/// Whether a file that begins with `bytes` is compressed with zstd. Fewer bytes than 4 are a whole file.
inline bool is_zstd(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr std::string_view frame = "\x28\xb5\x2f\xfd"sv, skippable = "\x2a\x4d\x18"sv;
  if (bytes.size() < 4) return bytes.size() >= 2 && frame.starts_with(bytes);
  return bytes.starts_with(frame) || ((bytes[0] & 0xf0) == 0x50 && bytes.substr(1, 3) == skippable);
}

/// Reads a file that `is_packed` recognises by its first 4 bytes through `decompress`, and others unchanged.
class DecompressBuffer : public std::streambuf {
 public:
  DecompressBuffer(InputFile file, bool (*is_packed)(std::string_view))
      : file_(std::move(file)), is_packed_(is_packed) {}
  DecompressBuffer(const DecompressBuffer&) = delete;
  DecompressBuffer& operator=(const DecompressBuffer&) = delete;

 protected:
  /// Fills `out` with the text that follows and returns its size; less than that of `out` only at the end.
  virtual std::size_t decompress(std::span<char> out) = 0;

  int_type underflow() override {
    if (is_packed_ != nullptr) {
      const std::span<char> first = file_.bytes(4);
      packed_ = std::exchange(is_packed_, nullptr)({first.data(), first.size()});
    }
    std::span<char> text = output_;
    if (packed_) {
      text = text.first(decompress(text));
    } else {
      text = file_.bytes();
      file_.skip(text.size());
    }
    if (text.empty()) return traits_type::eof();
    setg(text.data(), text.data(), text.data() + text.size());
    return traits_type::to_int_type(text.front());
  }

  InputFile file_;

 private:
  bool (*is_packed_)(std::string_view);  // null once it was asked
  bool packed_ = false;
  std::array<char, 1u << 16> output_;
};

}  // namespace heed::inline HEED_ABI::io::detail
