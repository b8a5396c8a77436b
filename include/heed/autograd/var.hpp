// SPDX-License-Identifier: Apache-2.0
// A handle to one value on a tape.
#pragma once

#include <cstdint>
#include <span>

#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI {

template <class Scalar>
class Tape;

/// A small, trivially copyable handle. It is valid until its tape is cleared; using it later throws StateError.
/// The members are defined with Tape (autograd/tape.hpp).
template <class Scalar>
class Var {
 public:
  Var() = default;
  /// False for a default-constructed handle: "not given", for example a layer's bias.
  explicit operator bool() const { return tape_ != nullptr; }

  /// The same value of the same tape.
  friend bool operator==(const Var&, const Var&) = default;

  /// The tape this value is on. Throws StateError for a default-constructed or stale handle.
  Tape<Scalar>& tape() const;
  /// Up to date in all rows.
  TensorView<const Scalar> value() const;
  /// Brings rows of a parameter that is stepped row by row up to date (RowUpdates): for an operation that reads these
  /// alone. Negative numbers are skipped. Of other values, all rows are up to date.
  void prepare(std::span<const Index> rows) const;
  /// The value, of which only the rows that were prepared may be read.
  TensorView<const Scalar> prepared() const;
  Shape shape() const;
  /// Leading dimensions folded into rows.
  Index rows() const;
  Index cols() const;
  bool requires_grad() const;
  /// dL/d(this) after `backward(L)`; an empty view when none was needed.
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
