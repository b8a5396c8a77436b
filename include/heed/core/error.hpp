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

namespace detail {

/// A text, a number or something with a `to_string` (a shape) on its way into a message.
struct Piece {
  struct Object {
    const void* at;
    std::string (*text)(const void*);
  };
  template <class T>
  Piece(const T& piece) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      kind = Kind::text, text = piece;
    } else if constexpr (std::is_floating_point_v<T>) {
      kind = Kind::real, real = static_cast<double>(piece);
    } else if constexpr (std::is_integral_v<T>) {
      kind = Kind::integer, integer = static_cast<long long>(piece);
    } else {
      kind = Kind::object;
      object = {&piece, [](const void* at) { return to_string(*static_cast<const T*>(at)); }};
    }
  }
  enum class Kind { text, integer, real, object } kind;
  union {
    std::string_view text;
    long long integer;
    double real;
    Object object;
  };
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
      case Piece::Kind::object:
        out += piece.object.text(piece.object.at);
        break;
    }
  }
  return out;
}

template <class Kind>
[[noreturn, gnu::cold, gnu::noinline]] void raise(std::initializer_list<Piece> pieces) {
  throw Kind(join(pieces));
}

}  // namespace detail

/// Joins pieces (texts, numbers, shapes) into one message.
template <class... Pieces>
std::string message(const Pieces&... pieces) {
  return detail::join({detail::Piece(pieces)...});
}

/// Throws `Kind("operation: ..")`, the pieces joined as in `message`. No text is built where it is called: a caller
/// that held strings would have to be able to destroy them, and that was a tenth of what a program compiled.
template <class Kind = Error, class... Pieces>
[[noreturn, gnu::always_inline]] inline void fail(std::string_view operation, const Pieces&... pieces) {
  detail::raise<Kind>({operation, ": ", pieces...});
}

}  // namespace heed::inline HEED_ABI
