// SPDX-License-Identifier: Apache-2.0
// What heed throws. Every text reads `operation: what it wanted, what it got`.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// Base of everything heed throws on purpose.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Shapes or sizes that do not fit together.
struct ShapeError : Error {
  using Error::Error;
};

/// An index, id or label outside its range.
struct IndexError : Error {
  using Error::Error;
};

/// A handle used after its tape was cleared, or handles of two tapes in one operation.
struct StateError : Error {
  using Error::Error;
};

/// An option whose value makes no sense.
struct OptionError : Error {
  using Error::Error;
};

/// A file that cannot be read, written or understood; the text names the file and, where there is one, the line.
struct IoError : Error {
  using Error::Error;
};

/// Throws `Kind("operation: message")`. Cold and never inlined: the text is built outside the callers' hot code.
template <class Kind = Error>
[[noreturn, gnu::cold, gnu::noinline]] void fail(std::string_view operation, std::string_view message) {
  std::string text(operation);
  text += ": ";
  text += message;
  throw Kind(text);
}

namespace detail {

inline void append(std::string& out, std::string_view piece) { out += piece; }
inline void append(std::string& out, long long piece) { out += std::to_string(piece); }
inline void append(std::string& out, double piece) { out += std::to_string(piece); }

}  // namespace detail

/// Joins pieces (texts, integers, floating-point numbers) into one message.
template <class... Pieces>
[[gnu::cold, gnu::noinline]] std::string message(const Pieces&... pieces) {
  std::string out;
  const auto one = [&out](const auto& piece) {
    using T = std::remove_cvref_t<decltype(piece)>;
    if constexpr (std::is_floating_point_v<T>) {
      detail::append(out, static_cast<double>(piece));
    } else if constexpr (std::is_integral_v<T>) {
      detail::append(out, static_cast<long long>(piece));
    } else {
      detail::append(out, std::string_view(piece));
    }
  };
  (one(pieces), ...);
  return out;
}

}  // namespace heed::inline HEED_ABI
