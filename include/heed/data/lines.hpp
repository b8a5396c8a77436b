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
#include "heed/core/printable.hpp"

namespace heed::inline HEED_ABI::data {

/// Reads lines of a file or of any std::istream (a decompressing one, say). Lines end with LF or CRLF, optional at the
/// end of the file; a UTF-8 byte order mark is skipped. It reads ahead. Converts from a path, so readers accept either.
class LineReader {
 public:
  /// The largest number of bytes in a line, without its LF. A log has no longer ones, but a small compressed file can
  /// expand to a line that fills the memory.
  static constexpr Index longest_line = Index{1} << 24;

  /// Opens `path`. Throws IoError when it cannot be opened.
  LineReader(const std::string& path)
      : name_(printable(path, std::string::npos)), file_(std::make_unique<std::ifstream>(path, std::ios::binary)) {
    if (!*file_) fail<IoError>("open", name_, ": ", std::strerror(errno));
    in_ = file_.get();
  }
  LineReader(const char* path) : LineReader(std::string(path)) {}
  /// Reads `in`, which must outlive the reader; `name` identifies it in errors.
  LineReader(std::istream& in, std::string_view name) : name_(printable(name, std::string::npos)), in_(&in) {}

  /// Moves to the next line; returns false at the end. Throws IoError when reading fails, the text is compressed or a
  /// line is longer than `longest_line`.
  bool next() {
    std::size_t length = 0;  // of the line, or of the part of it that is in the buffer
    for (;;) {
      const std::size_t found = std::string_view(buffer_.data(), end_).find('\n', begin_ + length);
      length = std::min(found, end_) - begin_;
      if (found != std::string_view::npos || static_cast<Index>(length) > longest_line || !fill()) break;
    }
    if (static_cast<Index>(length) > longest_line) {
      fail<IoError>("read", name_, ":", line_number_ + 1, ": wanted at most ", longest_line, " bytes in a line");
    }
    if (begin_ == end_) return false;
    line_ = std::string_view(buffer_.data() + begin_, length);
    begin_ = std::min(begin_ + length + 1, end_);
    ++line_number_;
    if (line_number_ == 1) {
      if (line_.starts_with("\x1f\x8b")) {
        fail<IoError>("read", name_, ": wanted text, got gzip: open it through a decompressing stream");
      }
      if (line_.starts_with("\xef\xbb\xbf")) line_.remove_prefix(3);
    }
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    return true;
  }

  /// Returns the current line without its line ending; valid until `next`.
  std::string_view line() const { return line_; }
  /// Returns the number of the current line: 1 for the first, 0 before it.
  Index line_number() const { return line_number_; }
  /// Returns the name for errors: `printable`.
  const std::string& name() const { return name_; }

 private:
  /// Reads more of the file behind the line that begins at `begin_`; returns false at the end of the file.
  bool fill() {
    std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
    end_ -= std::exchange(begin_, 0);
    if (2 * end_ >= buffer_.size()) buffer_.resize(std::max(2 * buffer_.size(), std::size_t{1} << 16));
    in_->read(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
    const auto count = static_cast<std::size_t>(in_->gcount());
    if (in_->bad() || (count == 0 && !in_->eof())) fail<IoError>("read", name_, ": failed after line ", line_number_);
    end_ += count;
    return count != 0;
  }

  std::string name_;
  std::unique_ptr<std::ifstream> file_;  // set when the reader opened the file
  std::istream* in_ = nullptr;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what was read into the buffer and follows the current line
  std::string_view line_;
  Index line_number_ = 0;
};

/// How a reader handles malformed lines.
struct ReadOptions {
  /// False: throw IoError("reader: file:line: what was wrong"). True: skip and count the line.
  bool skip_bad_lines = false;

  void fields(auto&& visitor) { visitor("skip_bad_lines", skip_bad_lines); }
};

/// Statistics of a read.
struct ReadReport {
  Index lines = 0;             ///< lines in the file
  Index bad_lines = 0;         ///< skipped records (only with skip_bad_lines)
  std::string first_bad_line;  ///< the error text of the first skipped record
};

namespace detail {

/// Thrown by parsers; read_records adds the file and line number.
struct BadLine {
  std::string text;
};

/// Calls `parse(lines)` at every line that is not blank; `parse` may read further lines. A parser that throws BadLine
/// must not have stored any part of the record.
template <class Parse>
void read_records(LineReader& lines, std::string_view operation, const ReadOptions& options, ReadReport* report,
                  Parse parse) {
  ReadReport local;
  while (lines.next()) {
    if (lines.line().find_first_not_of(' ') == std::string_view::npos) continue;
    const Index start = lines.line_number();
    try {
      parse(lines);
    } catch (const BadLine& bad) {
      const std::string text = message(lines.name(), ":", start, ": ", bad.text);
      if (!options.skip_bad_lines) fail<IoError>(operation, text);
      if (local.bad_lines++ == 0) local.first_bad_line = text;
    }
  }
  local.lines = lines.line_number();
  if (report != nullptr) *report = std::move(local);
}

/// Returns the first line that is not blank, which identifies the format. Throws IoError when there is none.
inline std::string_view first_line(LineReader& lines, std::string_view operation) {
  while (lines.next()) {
    if (lines.line().find_first_not_of(' ') != std::string_view::npos) return lines.line();
  }
  fail<IoError>(operation, lines.name(), ": the file is empty");
}

}  // namespace detail

}  // namespace heed::inline HEED_ABI::data
