// SPDX-License-Identifier: Apache-2.0
// A trainable array.
#pragma once

#include <algorithm>
#include <memory>

#include "heed/core/tensor.hpp"

namespace heed::inline HEED_ABI {

class RowUpdates;

/// A value and its gradient, at an address that stays the same when the parameter, or the module that holds it, is
/// moved. Move-only. The gradient is bookkeeping, not part of the value: it is reachable through a const parameter,
/// so that a const module can be trained.
template <class Scalar = float>
class Parameter {
 public:
  Parameter() : Parameter(Shape{0}) {}
  /// Zeros, which do not count as a value: a tape refuses the parameter until one is given.
  [[gnu::noinline]] explicit Parameter(const Shape& shape)
      : state_(new State{Tensor<Scalar>(shape), Tensor<Scalar>(shape)}) {}
  /// The same, with one row (of the first dimension) that stays zero: initialisation clears it and optimisers skip it.
  Parameter(const Shape& shape, Index zero_row) : Parameter(shape) { state_->zero_row = zero_row; }
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;
  [[gnu::noinline]] ~Parameter() = default;

  const Shape& shape() const { return state_->value.shape(); }
  Index size() const { return state_->value.size(); }
  /// For whoever gives it a value: from then on it counts as initialised.
  Tensor<Scalar>& value() {
    state_->initialized = true;
    return state_->value;
  }
  const Tensor<Scalar>& value() const { return state_->value; }
  /// Whether it was ever given a value; true without elements.
  bool initialized() const { return state_->initialized || size() == 0; }
  Tensor<Scalar>& gradient() const { return state_->gradient; }
  /// -1 when there is none.
  Index zero_row() const { return state_->zero_row; }
  /// Null, unless an optimiser steps this parameter row by row.
  RowUpdates*& row_updates() const { return state_->row_updates; }

  void zero_gradient() const { std::fill_n(gradient().data(), size(), Scalar(0)); }
  /// Clears the value and the gradient of the row that stays zero.
  void restore_zero_row() {
    if (zero_row() < 0) return;
    const Index stride = size() / shape()[0];
    std::fill_n(state_->value.data() + zero_row() * stride, stride, Scalar(0));
    std::fill_n(gradient().data() + zero_row() * stride, stride, Scalar(0));
  }

 private:
  struct State {
    Tensor<Scalar> value, gradient;
    Index zero_row = -1;
    bool initialized = false;
    RowUpdates* row_updates = nullptr;
  };
  std::unique_ptr<State> state_;
};
Parameter(const Shape&) -> Parameter<float>;

}  // namespace heed::inline HEED_ABI
