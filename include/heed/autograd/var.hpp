// SPDX-License-Identifier: Apache-2.0
// A handle to a value on a tape.
#pragma once

#include <cstdint>
#include <span>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI {

template <class Scalar>
class Tape;

/// A small, trivially copyable handle. It is valid until its tape is cleared; using it later throws StateError.
/// The member functions are defined with Tape (autograd/tape.hpp).
template <class Scalar>
class Var {
 public:
  Var() = default;
  /// False for a default-constructed (empty) handle, for example an omitted bias.
  explicit operator bool() const { return tape_ != nullptr; }

  /// True when both refer to the same value of the same tape.
  friend bool operator==(const Var&, const Var&) = default;

  /// The tape this value is on. Throws StateError for a default-constructed or stale handle.
  Tape<Scalar>& tape() const;
  /// The value. Brings all rows of a parameter that is updated row by row up to date (RowUpdates).
  TensorView<const Scalar> value() const;
  /// Brings these rows of a parameter that is updated row by row up to date (RowUpdates), for operations that read no
  /// other rows. Negative indices are skipped. Has no effect on other values.
  void prepare(std::span<const Index> rows) const;
  /// The value, without bringing rows up to date: only prepared rows may be read.
  TensorView<const Scalar> prepared() const;
  Shape shape() const;
  /// Leading dimensions folded into rows.
  Index rows() const;
  Index cols() const;
  bool requires_grad() const;
  /// dL/d(this) after `backward(L)`; an empty view when no gradient was computed.
  TensorView<const Scalar> gradient() const;
  /// The one element of a value of size 1. Throws ShapeError otherwise.
  Scalar item() const;

 private:
  friend class Tape<Scalar>;
  Var(Tape<Scalar>* tape, std::uint32_t index, std::uint32_t generation)
      : tape_(tape), index_(index), generation_(generation) {}

  Tape<Scalar>* tape_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace heed::inline HEED_ABI
