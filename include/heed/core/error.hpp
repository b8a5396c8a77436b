// SPDX-License-Identifier: Apache-2.0
// The exceptions that heed throws. Messages have the form `operation: what was expected, what was given`.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// Base class of all of heed's exceptions.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Shapes or sizes that are not compatible.
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

/// An option with an invalid value.
struct OptionError : Error {
  using Error::Error;
};

/// A file that cannot be read, written or parsed; the message names the file and, if it applies, the line.
struct IoError : Error {
  using Error::Error;
};

/// A file that was read, and whose content is damaged: it breaks off, breaks its format or differs from its checksum.
struct DamageError : IoError {
  using IoError::IoError;
};

namespace detail {

/// A part of a message: a text, a number or an object with a `to_string` (a shape). Refers to its argument.
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
    if (piece.kind == Piece::Kind::text) out += piece.text;
    if (piece.kind == Piece::Kind::integer) out += std::to_string(piece.integer);
    if (piece.kind == Piece::Kind::real) out += std::to_string(piece.real);
    if (piece.kind == Piece::Kind::object) out += piece.object.text(piece.object.at);
  }
  return out;
}

template <class Kind>
[[noreturn, gnu::cold, gnu::noinline]] void raise(std::initializer_list<Piece> pieces) {
  throw Kind(join(pieces));
}

}  // namespace detail

/// Concatenates pieces (texts, numbers, shapes) into one message.
template <class... Pieces>
std::string message(const Pieces&... pieces) {
  return detail::join({detail::Piece(pieces)...});
}

/// Throws `Kind("operation: ..")` with the pieces concatenated as in `message`. The caller constructs no strings:
/// the code that would destroy them again was a tenth of a program's compiled code.
template <class Kind = Error, class... Pieces>
[[noreturn, gnu::always_inline]] inline void fail(std::string_view operation, const Pieces&... pieces) {
  detail::raise<Kind>({operation, ": ", pieces...});
}

/// Throws OptionError unless p is a dropout probability.
inline void check_probability(std::string_view operation, const char* option, double p) {
  if (!(p >= 0 && p < 1)) fail<OptionError>(operation, option, " ", p, " is not in [0, 1)");
}

}  // namespace heed::inline HEED_ABI
