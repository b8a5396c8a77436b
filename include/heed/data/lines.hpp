// SPDX-License-Identifier: Apache-2.0
// The line source of all readers; it tracks the file's name and the line number for error messages.
#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI::data {

/// Reads lines of a file or of any std::istream (a decompressing one, say). Lines end with LF or CRLF, optional at the
/// end of the file; a UTF-8 byte order mark is skipped. Converts from a path, so readers accept either.
class LineReader {
 public:
  /// Opens `path`. Throws IoError when it cannot be opened.
  LineReader(const std::string& path) : name_(path), file_(std::make_unique<std::ifstream>(path, std::ios::binary)) {
    if (!*file_) fail<IoError>("open", path, ": ", std::strerror(errno));
    in_ = file_.get();
  }
  LineReader(const char* path) : LineReader(std::string(path)) {}
  /// Reads `in`, which must outlive the reader; `name` identifies it in errors.
  LineReader(std::istream& in, std::string name) : name_(std::move(name)), in_(&in) {}

  /// Moves to the next line; returns false at the end. Throws IoError when reading fails or the text is compressed.
  bool next() {
    if (!std::getline(*in_, line_)) {
      if (in_->bad() || !in_->eof()) fail<IoError>("read", name_, ": failed after line ", line_number_);
      return false;
    }
    ++line_number_;
    if (line_number_ == 1) {
      if (line_.starts_with("\x1f\x8b")) {
        fail<IoError>("read", name_, ": wanted text, got gzip: open it through a decompressing stream");
      }
      if (line_.starts_with("\xef\xbb\xbf")) line_.erase(0, 3);
    }
    if (line_.ends_with('\r')) line_.pop_back();
    return true;
  }

  /// Returns the current line without its line ending; valid until `next`.
  std::string_view line() const { return line_; }
  /// Returns the number of the current line: 1 for the first, 0 before it.
  Index line_number() const { return line_number_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::unique_ptr<std::ifstream> file_;  // set when the reader opened the file
  std::istream* in_ = nullptr;
  std::string line_;
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
