// SPDX-License-Identifier: Apache-2.0
// What heed throws. Every text reads `operation: what it wanted, what it got`.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

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

/// A text or a number on its way into a message.
struct Piece {
  template <class T>
  Piece(const T& piece) {
    if constexpr (std::is_floating_point_v<T>) {
      real = static_cast<double>(piece);
      kind = Kind::real;
    } else if constexpr (std::is_integral_v<T>) {
      integer = static_cast<long long>(piece);
      kind = Kind::integer;
    } else {
      text = piece;
    }
  }
  enum class Kind { text, integer, real } kind = Kind::text;
  std::string_view text;
  long long integer = 0;
  double real = 0;
};

[[gnu::cold, gnu::noinline]] inline std::string join(std::initializer_list<Piece> pieces) {
  std::string out;
  for (const Piece& piece : pieces) {
    switch (piece.kind) {
      case Piece::Kind::text:
        out += piece.text;
        break;
      case Piece::Kind::integer:
        out += std::to_string(piece.integer);
        break;
      case Piece::Kind::real:
        out += std::to_string(piece.real);
        break;
    }
  }
  return out;
}

}  // namespace detail

/// Joins pieces (texts, integers, floating-point numbers) into one message.
template <class... Pieces>
[[gnu::cold, gnu::noinline]] std::string message(const Pieces&... pieces) {
  return detail::join({detail::Piece(pieces)...});
}

}  // namespace heed::inline HEED_ABI
