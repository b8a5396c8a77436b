// SPDX-License-Identifier: Apache-2.0
// The line source of all readers; it tracks the file's name and the line number for error messages.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/core/printable.hpp"
#include "heed/core/utf8.hpp"
#include "heed/data/file_kind.hpp"

namespace heed::inline HEED_ABI::data {

/// The encoding of a text file.
enum class Encoding { utf8, latin1 };
constexpr auto names(Encoding) { return enum_names("utf8", "latin1"); }

/// Reads lines of a file or of any std::istream (a decompressing one, say). Lines end with LF or CRLF, or all with CR
/// (as some spreadsheets write them), optional at the end of the file; a UTF-8 byte order mark is skipped. It reads
/// ahead. Converts from a path, so readers accept either.
class LineReader {
 public:
  /// The largest number of bytes in a line, without its LF. A log has no longer ones, but a small compressed file can
  /// expand to a line that fills the memory.
  static constexpr Index longest_line = Index{1} << 24;

  /// Opens `path`. Throws IoError when it cannot be opened.
  LineReader(const std::string& path, Encoding encoding = Encoding::utf8)
      : name_(printable(path, std::string::npos)),
        file_(std::make_unique<std::ifstream>(path, std::ios::binary)),
        encoding_(encoding) {
    if (!*file_) fail<IoError>("open", name_, ": ", std::strerror(errno));
    in_ = file_.get();
  }
  LineReader(const char* path, Encoding encoding = Encoding::utf8) : LineReader(std::string(path), encoding) {}
  /// Reads `in`, which must outlive the reader; `name` identifies it in errors.
  LineReader(std::istream& in, std::string_view name, Encoding encoding = Encoding::utf8)
      : name_(printable(name, std::string::npos)), in_(&in), encoding_(encoding) {}

  /// Moves to the next line; returns false at the end. Throws IoError when reading fails, the file is not text (see
  /// detail::binary_kind) or a line is longer than `longest_line`.
  bool next() {
    std::size_t length = 0;  // of the line, or of the part of it that is in the buffer
    for (;;) {
      const std::size_t found = std::string_view(buffer_.data(), end_).find(line_end_, begin_ + length);
      length = std::min(found, end_) - begin_;
      if (found != std::string_view::npos || static_cast<Index>(length) > longest_line || !fill()) break;
      if (line_number_ == 0 && length == 0) find_line_end();
    }
    if (line_number_ == 0) check_text();
    if (static_cast<Index>(length) > longest_line) {
      fail<IoError>("read", name_, ":", line_number_ + 1, ": wanted at most ", longest_line, " bytes in a line");
    }
    if (begin_ == end_) return false;
    line_ = std::string_view(buffer_.data() + begin_, length);
    begin_ = std::min(begin_ + length + 1, end_);
    ++line_number_;
    if (line_number_ == 1 && line_.starts_with("\xef\xbb\xbf")) line_.remove_prefix(3);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    if (encoding_ == Encoding::latin1) {
      converted_.clear();
      heed::detail::append_latin1(line_, converted_);
      line_ = converted_;
    }
    return true;
  }

  /// Returns the current line without its line ending; valid until `next`.
  std::string_view line() const { return line_; }
  /// Returns the number of the current line: 1 for the first, 0 before it.
  Index line_number() const { return line_number_; }
  /// Returns the name for errors: `printable`.
  const std::string& name() const { return name_; }

  /// Keeps the lines behind the current one, so that `rewind` can return to it; `unmark` lets go of them.
  void mark() { mark_ = begin_, marked_line_ = line_number_, marked_ = true; }
  void unmark() { marked_ = false; }
  /// Returns to the line of `mark`, whose text is no longer there: `next` moves to the line behind it.
  void rewind() { begin_ = mark_, line_number_ = marked_line_, marked_ = false, line_ = {}; }

 private:
  /// Reads more of the file behind the line that begins at `begin_`; returns false at the end of the file.
  bool fill() {
    const std::size_t kept = marked_ ? mark_ : begin_;
    std::copy(buffer_.data() + kept, buffer_.data() + end_, buffer_.data());
    begin_ -= kept, mark_ = 0, end_ -= kept;
    if (2 * end_ >= buffer_.size()) buffer_.resize(std::max(2 * buffer_.size(), std::size_t{1} << 16));
    in_->read(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
    const auto count = static_cast<std::size_t>(in_->gcount());
    if (in_->bad() || (count == 0 && !in_->eof())) fail<IoError>("read", name_, ": failed after line ", line_number_);
    end_ += count;
    return count != 0;
  }
  /// Lines end with CR when the beginning of the file has CRs but no LF.
  void find_line_end() {
    const std::string_view text(buffer_.data() + begin_, end_ - begin_);
    const std::size_t cr = text.find('\r');
    if (cr < text.size() - 1 && text.find('\n') == std::string_view::npos) line_end_ = '\r';
  }
  void check_text() const {
    const std::string_view kind = detail::binary_kind(
        std::string_view(buffer_.data() + begin_, std::min(end_ - begin_, detail::file_kind_bytes)));
    if (kind.empty()) return;
    fail<IoError>("read", name_, ": wanted text, got ", kind,
                  kind == "gzip" || kind == "zstd" ? ": open it through a decompressing stream" : "");
  }

  std::string name_;
  std::unique_ptr<std::ifstream> file_;  // set when the reader opened the file
  std::istream* in_ = nullptr;
  Encoding encoding_;
  char line_end_ = '\n';
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what was read into the buffer and follows the current line
  std::size_t mark_ = 0;             // `begin_` at `mark`
  Index marked_line_ = 0;
  bool marked_ = false;
  std::string_view line_;
  std::string converted_;  // the current line in UTF-8, if the file is in another encoding
  Index line_number_ = 0;
};

}  // namespace heed::inline HEED_ABI::data
