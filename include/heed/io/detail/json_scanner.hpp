// SPDX-License-Identifier: Apache-2.0
// Reads JSON of a known structure from its text. Memory is allocated for the strings that are asked for and for nothing
// else: a parser of documents takes many times the text, for its tree, its copies of a token and its errors.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"

namespace heed::inline HEED_ABI::io::detail {

/// Reads one value after the other from `text`, which must be UTF-8. What is not JSON, or not what is asked for, is
/// passed to `complain(what)`, which must throw.
template <class Complain>
class JsonScanner {
 public:
  JsonScanner(std::string_view text, const Complain& complain) : text_(text), complain_(complain) {}

  /// Calls `element()`, which must read it, for each element between `open` and `close`: brackets or braces.
  template <class Element>
  void each(char open, char close, const Element& element) {
    if (!accept(open)) wanted({&open, 1});
    if (accept(close)) return;
    do {
      element();
    } while (accept(','));
    if (!accept(close)) wanted(close == ']' ? ", or ]" : ", or }");
  }

  /// Reads a key of an object.
  void key(std::string& out) {
    string(out);
    if (!accept(':')) wanted(":");
  }

  void string(std::string& out) {
    out.clear();
    if (!accept('"')) wanted("a text");
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) wanted("a text that ends");
    out.reserve(end - at_);
    while (at_ < end) {
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) wanted("a text without control characters");
      if (c == '\\') {
        escape(out);
      } else {
        out += c;
        ++at_;
      }
    }
    ++at_;
  }

  Index integer(Index low, Index high) {
    skip_space();
    Index out = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), out);
    const std::string_view digits(begin + (out < 0 || text_.substr(at_).starts_with("-0") ? 1 : 0), end);
    const std::string_view next = text_.substr(static_cast<std::size_t>(end - text_.data()), 1);
    const bool whole = error == std::errc() && next != "." && next != "e" && next != "E";
    if (!whole || (digits.size() > 1 && digits[0] == '0') || out < low || out > high) {
      wanted(message("an integer from ", low, " to ", high));
    }
    at_ += static_cast<std::size_t>(end - begin);
    return out;
  }

  /// Complains unless only white space is left.
  void end() {
    skip_space();
    if (at_ != text_.size()) wanted("the end");
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// Appends the character of the escape sequence that begins here.
  void escape(std::string& out) {
    constexpr std::string_view names = "\"\\/bfnrt", characters = "\"\\/\b\f\n\r\t";
    if (const std::size_t found = names.find(text_[at_ + 1]); found != std::string_view::npos) {
      out += characters[found];
      at_ += 2;
      return;
    }
    std::uint32_t point = code_unit(0);
    std::size_t size = 6;
    if (point >= 0xD800 && point < 0xE000) {  // half of a surrogate pair
      const std::uint32_t second = code_unit(size);
      if (point >= 0xDC00 || second < 0xDC00 || second >= 0xE000) wanted("a pair of surrogates");
      point = 0x10000 + ((point - 0xD800) << 10) + (second - 0xDC00);
      size = 12;
    }
    constexpr unsigned leads[] = {0, 0xC0, 0xE0, 0xF0};
    const int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    out += static_cast<char>(leads[more] | point >> 6 * more);
    for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (point >> 6 * i & 0x3F));
    at_ += size;
  }

  /// Returns the number of the `\u1234` that begins `offset` bytes from here.
  std::uint32_t code_unit(std::size_t offset) const {
    const std::string_view text = text_.substr(std::min(at_ + offset, text_.size()), 6);
    std::uint32_t out = 0;
    const char* const end = text.data() + text.size();
    if (text.size() < 6 || !text.starts_with("\\u") || std::from_chars(text.data() + 2, end, out, 16).ptr != end) {
      wanted("an escape sequence");
    }
    return out;
  }

  void wanted(std::string_view what) const {
    complain_(message("wanted ", what, " at byte ", at_, ", got ",
                      at_ == text_.size() ? "the end" : "'" + printable(text_.substr(at_), 20) + "'"));
  }

  std::string_view text_;
  const Complain& complain_;
  std::size_t at_ = 0;
};

}  // namespace heed::inline HEED_ABI::io::detail
